//! The calls of a program that describe tracks: what each must return, and what must then be in the trace.

use pftrace::{Error, ProcessTrack, SequenceId, Track};

use crate::calls;
use crate::program::*;
use crate::record::Says;
use crate::run::{Known, Place, Run, SliceTrack, picked};

/// Thread number of what is a process.
const PROCESS: i64 = -1;

impl Run<'_> {
    pub(crate) fn process(&mut self, process: &Process) -> Result<(), String> {
        let key = (process.pid, PROCESS);
        if let Some((_, known)) = self.known.get(&key) {
            return self.redescribe(Some(known.clone()));
        }
        self.describe_process(process)
    }

    pub(crate) fn describe_process(&mut self, process: &Process) -> Result<(), String> {
        let (id, sequence) = self.sequence(&process.described);
        let result = calls::process(&mut self.trace, process, id);
        let problems = if process.pid == 0 { vec![Error::ReservedId] } else { Vec::new() };
        let uuid = result.as_ref().map_or(0, ProcessTrack::uuid);
        let Some(handle) = self.settle(0, problems, result, || Says::Descriptor(calls::process_json(process, uuid)))?
        else {
            return Ok(());
        };
        self.remember((process.pid, PROCESS), uuid, Known::Process(process.clone()))?;
        if handle.pid() != process.pid {
            return Err(format!("its pid is {}", handle.pid()));
        }
        // One to put events on, one to describe threads with.
        let again = calls::process(&mut self.trace, process, id);
        if let Some(again) =
            self.settle(0, Vec::new(), again, || Says::Descriptor(calls::process_json(process, uuid)))?
        {
            self.processes.push((again, process.pid));
        }
        self.add_slices(calls::Slices::Process(handle), Place { uuid, sequence, ancestors: 0 });
        Ok(())
    }

    pub(crate) fn thread(&mut self, pid: i32, thread: &Thread) -> Result<(), String> {
        if let Some((_, known)) = self.known.get(&(pid, thread.tid)) {
            return self.redescribe(Some(known.clone()));
        }
        self.describe_thread(pid, thread)
    }

    pub(crate) fn describe_thread(&mut self, pid: i32, thread: &Thread) -> Result<(), String> {
        let (id, sequence) = self.sequence(&thread.described);
        let Some((process, _)) = self.processes.iter().find(|process| process.1 == pid) else { return Ok(()) };
        let result = calls::thread(&mut self.trace, process, thread, id);
        let problems = if thread.tid == 0 { vec![Error::ReservedId] } else { Vec::new() };
        let uuid = result.as_ref().map_or(0, Track::uuid);
        let described = self.settle(0, problems, result, || Says::Descriptor(calls::thread_json(pid, thread, uuid)))?;
        if let Some(handle) = described {
            self.remember((pid, thread.tid), uuid, Known::Thread(pid, thread.clone()))?;
            self.add_slices(calls::Slices::Track(handle), Place { uuid, sequence, ancestors: 0 });
        }
        Ok(())
    }

    pub(crate) fn redescribe(&mut self, known: Option<Known>) -> Result<(), String> {
        match known {
            Some(Known::Process(process)) => self.describe_process(&process),
            Some(Known::Thread(pid, thread)) => self.describe_thread(pid, &thread),
            None => Ok(()),
        }
    }

    pub(crate) fn remember(&mut self, key: (i32, i64), uuid: u64, described: Known) -> Result<(), String> {
        match self.known.get(&key) {
            Some((known, _)) if *known == uuid => Ok(()),
            Some((known, _)) => Err(format!("its uuid is {uuid}, and was {known}")),
            None => {
                self.known.insert(key, (uuid, described));
                self.new_uuid(uuid)
            }
        }
    }

    pub(crate) fn new_uuid(&mut self, uuid: u64) -> Result<(), String> {
        let fresh = uuid != 0 && self.uuids.insert(uuid);
        fresh.then_some(()).ok_or_else(|| format!("the uuid {uuid} is another track's"))
    }

    pub(crate) fn track(&mut self, described: &Described, parent: Option<usize>, kind: &Kind) -> Result<(), String> {
        let described = &self.only_child(described, parent.map(|parent| self.slices[parent].place.uuid));
        let (id, sequence) = self.sequence(described);
        // Far from those that the writer chooses, or where it would come next but one.
        let near = self.uuids.iter().copied().filter(|uuid| *uuid < 1 << 41).max().unwrap_or(0) + 2;
        let far = 0x5000_0000 + self.uuids.len() as u64;
        let is_free = |uuid: u64| !self.uuids.contains(&uuid);
        let own_uuid = described.own_uuid.then(|| if self.uuids.len() % 2 == 0 && is_free(far) { far } else { near });
        let parent_place = parent.map(|parent| self.slices[parent].place);
        let ancestors = parent_place.map_or(0, |parent| parent.ancestors + 1);
        let limit = pftrace::MAX_TRACK_ANCESTORS;
        let problems = if ancestors > limit { vec![Error::TracksTooDeep { limit }] } else { Vec::new() };
        let parent_handle = parent.map(|parent| &self.slices[parent].handle);
        let result = calls::track(&mut self.trace, described, kind, parent_handle, id, own_uuid);
        let uuid = result.as_ref().map_or(0, calls::Handle::uuid);
        let parent_uuid = parent_place.map(|parent| parent.uuid);
        let says = || Says::Descriptor(calls::track_json(described, kind, parent_uuid, uuid));
        let Some(handle) = self.settle(0, problems, result, says)? else { return Ok(()) };
        if own_uuid.is_some_and(|own| own != uuid) {
            return Err(format!("its uuid is {uuid}"));
        }
        self.new_uuid(uuid)?;
        let place = Place { uuid, sequence, ancestors };
        match handle {
            calls::Handle::Slices(handle) => self.add_slices(handle, place),
            calls::Handle::Counter(handle) => self.counters.push((handle, place)),
            calls::Handle::State(handle) => self.states.push((handle, place)),
        }
        Ok(())
    }

    /// With a name, and a merge key, that no sibling has: the trace processor may draw slices of siblings on one track.
    pub(crate) fn only_child(&mut self, described: &Described, parent: Option<u64>) -> Described {
        let mut described = described.clone();
        let merge_key = if let Some(Merge::ByKey(key)) = &mut described.merge { Some(key) } else { None };
        for name in std::iter::once(&mut described.name).chain(merge_key) {
            if !self.siblings.insert((parent, name.clone())) {
                *name += &format!(" {}", self.siblings.len());
                self.siblings.insert((parent, name.clone()));
            }
        }
        described
    }

    pub(crate) fn add_slices(&mut self, handle: calls::Slices, place: Place) {
        self.slices.push(SliceTrack { handle, place, open: 0, last: None });
    }

    /// The sequence that a track asks for, and its number.
    pub(crate) fn sequence(&self, described: &Described) -> (Option<SequenceId>, u32) {
        let index = described.sequence.and_then(|pick| picked(&self.sequences, pick));
        index.map_or((None, 0), |index| (Some(self.sequences[index]), index as u32 + 1))
    }
}
