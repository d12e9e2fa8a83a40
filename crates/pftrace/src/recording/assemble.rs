//! Makes a trace of chunks: writes before and between them what they refer to.
//!
//! A chunk's packets name their definitions by number, and count time from where the chunk before ended. What a sequence needs to be
//! read, from its begin or after a loss, is written here: the head of a generation (state cleared, defaults, the snapshot
//! of its clock), descriptors, interned data; slices whose begin or end had no room.

mod pairs;

use std::collections::HashSet;
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::vec::Vec;

use foldhash::fast::FixedState;
use pftrace_clock::{Snapshot, snapshot};
use pftrace_protos::trace_packet::SequenceFlags;
use pftrace_protos::track_event::Type;
use pftrace_protos::{
    BuiltinClock, ExtensionDescriptor, InternedData, Trace, TracePacket, TrackDescriptor, TrackEvent,
};
use pftrace_ring::Chunk;

pub(super) use self::pairs::{Connections, Pairs, Snapshot as OnTracksOf};
use super::call_site::{self, CallSite, EventKind, MAX_CALL_SITES, NEEDS_STATE, counter_track};
use super::category::Category;
use super::drain::add;
use super::header::{Header, Open};
use super::location::SourceLocation;
use super::marks::Kind;
use super::os;
use super::session::Shared;
use super::stats::{ThreadInfo, lock};
use super::track::TrackRef;
use crate::intern::{Definition, Kind as Text};
use crate::sequence::{define as define_text, define_location, set_clocks, set_defaults};
use crate::track::{mix, process_uuid, set_process, set_thread, thread_uuid};

/// The drain's own sequence.
const SEQUENCE: u32 = 1;

const CLEARED: u32 = SequenceFlags::SEQ_INCREMENTAL_STATE_CLEARED.value() as u32;

/// Among the numbers of what a sequence has defined: a category, a track, a place in the source. All others are call sites.
const CATEGORY: u32 = 1 << 30;
pub(super) const TRACK: u32 = 1 << 29;
pub(super) const LOCATION: u32 = 1 << 28;
const KINDS: u32 = CATEGORY | TRACK | LOCATION;

#[derive(Debug)]
pub(super) struct Assembler {
    keeps: bool,
    pub(super) pairs: Pairs,
    threads: Vec<Option<Sequence>>,
    /// The tracks that have been described, but for those of threads.
    described: Numbers,
    /// The last time on the trace's clock that a snapshot has told.
    last_snapshot: u64,
    pid: i32,
    open: bool,
    delivered: Delivered,
    /// Of which threads events are gathered: delivered when they are written.
    gathered: Vec<Gathered>,
    /// How many bytes of chunks come between what was gathered.
    between: u64,
}

/// Events of a thread, which lie side by side.
#[derive(Clone, Copy, Debug)]
struct Gathered {
    thread: u32,
    events: u64,
    bytes: u64,
    /// So many bytes are gathered with them.
    end: u64,
    /// And so many packets.
    packets: u64,
}

/// What a write has brought to the sink.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) corrupt: u64,
}

/// What has been written of a thread.
#[derive(Debug)]
struct Sequence {
    info: Arc<ThreadInfo>,
    uuid: u64,
    /// The name in its descriptor.
    name: String,
    /// Whether a chunk of it has been read.
    begun: bool,
    /// How many events had been lost so far.
    lost: u64,
    /// How many had been lost before what is read here.
    lost_before: u64,
    /// What the sink has got of it, and has not.
    tally: Tally,
    defined: Defined,
}

/// Events of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) undelivered: u64,
    /// How many slices were open at its begin of which nothing else is known.
    pub(super) unnamed: u64,
}

/// Numbers of whatever kind: one type, so that one table is compiled.
type Numbers = HashSet<u64, FixedState>;

/// What a sequence has defined, by its words.
#[derive(Debug, Default)]
struct Defined {
    /// Call sites, a bit each: a chunk may bring hundreds that are there.
    sites: Vec<u64>,
    others: Numbers,
}

impl Defined {
    /// Whether it was not there.
    #[inline]
    fn insert(&mut self, word: u32) -> bool {
        let Some(bits) = self.sites.get_mut(word as usize / 64) else { return self.insert_first(word) };
        let with = *bits | 1 << (word % 64);
        core::mem::replace(bits, with) != with
    }

    /// The same of what has no bit yet, or never has.
    #[cold]
    fn insert_first(&mut self, word: u32) -> bool {
        if word > MAX_CALL_SITES {
            return self.others.insert(word.into());
        }
        self.sites.resize((word as usize / 64 + 1).next_power_of_two(), 0);
        self.insert(word)
    }

    fn clear(&mut self) {
        self.sites.fill(0);
        self.others.clear();
    }
}

impl Sequence {
    /// A word of a chunk, which is new when the sequence has not defined it.
    fn meet(&mut self, word: u32, new: &mut Vec<u32>) {
        if self.defined.insert(word) {
            new.push(word);
        }
    }
}

impl Assembler {
    /// `keeps`: what is written now, or not, can be written again.
    pub(super) fn new(keeps: bool, pairs: Pairs) -> Self {
        Self {
            keeps,
            pairs,
            threads: Vec::new(),
            described: Numbers::default(),
            last_snapshot: 0,
            pid: os::process_id(),
            open: true,
            delivered: Delivered::default(),
            gathered: Vec::new(),
            between: 0,
        }
    }

    /// Whether the sink still takes something.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// The begin of the trace: with how the clocks of the machine relate, not after its first event.
    pub(super) fn begin(&mut self, shared: &Shared, clocks: Snapshot, out: &mut Vec<u8>) {
        self.clocks(clocks, out);
        let (name, command_line) = (os::process_name(), os::command_line());
        let (pid, start) = (self.pid, os::process_start_ns().map(|ns| from_boottime(shared, ns)));
        let command_line: Vec<_> = command_line.iter().map(String::as_str).collect();
        self.descriptor(process_uuid(pid), out, &|track| {
            set_process(track, pid, Some(&name), &command_line, &[], start);
        });
        for extension in &shared.extensions {
            self.packet(SEQUENCE, out, &|packet| {
                packet.set_extension_descriptor(|descriptor| {
                    descriptor.raw().bytes::<{ ExtensionDescriptor::EXTENSION_SET_FIELD_NUMBER }>(extension);
                });
            });
        }
    }

    /// What changes slowly: the machine's clocks, the names of threads, threads that are gone. All that was read has been written.
    pub(super) fn look_around(&mut self, shared: &Shared, out: &mut Vec<u8>) {
        self.clocks(snapshot(&shared.clock), out);
        for info in shared.threads.present() {
            let number = info.number();
            let sequence = self.threads.get(number as usize).and_then(Option::as_ref);
            if info.has_exited_after() == Some(info.read.load(Ordering::Relaxed)) {
                // All of it has been read: it makes room for another, but not before all of it is written.
                if self.end_unwritten(shared, number, out) {
                    continue;
                }
                if let Some(place) = self.threads.get_mut(number as usize) {
                    *place = None;
                }
                shared.threads.remove(number);
            } else if let Some(name) = sequence.and_then(|sequence| os::renamed(info.tid, &sequence.name)) {
                lock(&info.name).clone_from(&name);
                self.describe(number, out);
            }
        }
    }

    /// What threads have ended and had no room to say so: none of them records any more.
    pub(super) fn end_threads(&mut self, shared: &Shared, out: &mut Vec<u8>) {
        for info in shared.threads.present() {
            self.end_unwritten(shared, info.number(), out);
        }
    }

    /// The end of the trace; with how many events were lost, if any were, so that the UI says so.
    pub(super) fn end(&mut self, shared: &Shared, lost: u64, out: &mut Vec<u8>) {
        self.clocks(snapshot(&shared.clock), out);
        if lost == 0 {
            return;
        }
        let threads = shared.threads.present();
        let size = u64::from(shared.ring.chunk_len()) * u64::from(shared.ring.chunks());
        self.packet(SEQUENCE, out, &|packet| {
            packet.set_trace_stats(|stats| {
                stats.add_buffer_stats(|buffer| {
                    buffer.set_buffer_size(size).set_trace_writer_packet_loss(lost);
                });
                for info in &threads {
                    stats.add_writer_stats(|writer| {
                        writer.set_sequence_id(u64::from(info.sequence())).set_buffer(0);
                    });
                }
            });
        });
    }

    /// Of what was gathered and returned the sink has got the first so many bytes. What lies where they end it has not.
    pub(super) fn written(&mut self, taken: u64) -> Delivered {
        let mut delivered = core::mem::take(&mut self.delivered);
        delivered.bytes = taken;
        if !self.open {
            delivered.packets = 0;
        }
        for Gathered { thread, events, bytes, end, packets } in self.gathered.drain(..) {
            let Some(Some(sequence)) = self.threads.get_mut(thread as usize) else { continue };
            let (info, tally) = (&sequence.info, &mut sequence.tally);
            if end <= taken {
                add(&info.events, events);
                add(&info.bytes, bytes);
                tally.events += events;
                tally.bytes += bytes;
                delivered.packets = delivered.packets.max(packets);
            } else {
                add(&info.undelivered, if self.keeps { 0 } else { events });
                tally.undelivered += events;
            }
        }
        self.between = 0;
        delivered
    }

    /// Events of a thread have been gathered, from `begin` on; `between` bytes of them come behind, from where they are.
    fn gather(&mut self, thread: u32, events: u64, out: &[u8], begin: usize, between: usize) {
        self.between += between as u64;
        let (bytes, end) = ((out.len() - begin + between) as u64, out.len() as u64 + self.between);
        self.gathered.push(Gathered { thread, events, bytes, end, packets: self.delivered.packets });
    }

    /// What the sink has got of each thread.
    pub(super) fn threads(&self) -> impl Iterator<Item = (&ThreadInfo, Tally)> {
        self.threads.iter().flatten().map(|sequence| (&*sequence.info, sequence.tally))
    }

    /// How many events of its threads were lost since what is read here began.
    pub(super) fn lost(&self) -> u64 {
        let lost = |sequence: &Sequence| sequence.info.lost().saturating_sub(sequence.lost_before);
        self.threads.iter().flatten().map(lost).sum()
    }

    /// How the clocks of the machine relate: CLOCK_MONOTONIC is the trace's.
    pub(super) fn clocks(&mut self, now: Snapshot, out: &mut Vec<u8>) {
        let first = self.last_snapshot == 0;
        self.last_snapshot = now.ours.max(self.last_snapshot);
        let clocks = [
            (BuiltinClock::BUILTIN_CLOCK_MONOTONIC, self.last_snapshot),
            (BuiltinClock::BUILTIN_CLOCK_BOOTTIME, now.boottime),
            (BuiltinClock::BUILTIN_CLOCK_REALTIME, now.realtime),
        ];
        self.packet(SEQUENCE, out, &|packet| {
            packet.set_clock_snapshot(|snapshot| {
                if first {
                    snapshot.set_primary_trace_clock(BuiltinClock::BUILTIN_CLOCK_MONOTONIC);
                }
                for (clock, ns) in clocks {
                    snapshot.add_clocks(|entry| {
                        entry.set_clock_id(clock.value() as u32).set_timestamp(ns);
                    });
                }
            });
        });
    }

    /// The packets of a chunk, and in front of them what they need. Returns packets, the chunk's last bytes, that are worth a write from where they
    /// are, and come next; when they are none, all is in `out`.
    pub(super) fn chunk<'c>(&mut self, shared: &Shared, chunk: &'c Chunk<'_>, out: &mut Vec<u8>) -> &'c [u8] {
        let read = Header::read(chunk.bytes()).filter(|(header, _)| self.sequence(shared, header.fixed.thread, out));
        let Some((header, packets)) = read else {
            self.delivered.corrupt += 1;
            return &[];
        };
        let number = header.fixed.thread;
        let begin = out.len();
        let first = !self.of(number).begun;
        if first && self.keeps {
            // What was lost before is not missing here.
            let sequence = self.of(number);
            (sequence.lost, sequence.lost_before) = (header.fixed.lost, header.fixed.lost);
        }
        // The time of the sequence's last packet.
        let mut at = header.fixed.last_ns;
        if !first {
            for end in header.ended() {
                self.end_slice(number, out, end.wrapping_sub(at));
                at = end;
            }
        }
        // Of most chunks there are none, and nothing new: then nothing is allocated.
        let mut again = Vec::new();
        for open in header.open() {
            if first || open.0.written == 0 {
                again.push(open);
            }
        }
        let has_lost = header.fixed.lost != self.of(number).lost || header.fixed.recovered != 0;
        if first || has_lost {
            at = again.first().map_or(at, |(open, _)| open.begin_ns.min(at));
            self.generation(number, out, at, has_lost);
        }
        let (sequence, mut new) = (self.of(number), Vec::new());
        chunk.words().for_each(|word| sequence.meet(word, &mut new));
        again.iter().for_each(|(open, _)| sequence.meet(open.site, &mut new));
        self.define(number, &new, out);
        for (open, name) in &again {
            self.begin_again(number, open, name, out, at);
            at = open.begin_ns;
        }
        // Those that have no room in the header will be ended as well.
        let unnamed = if first { header.fixed.unlisted } else { 0 };
        match self.keeps {
            true => self.of(number).tally.unnamed += u64::from(unnamed),
            false => add(&self.of(number).info.unnamed, unnamed.into()),
        }
        for _ in 0..unnamed {
            self.event(number, out, 0, Type::TYPE_SLICE_BEGIN, &|event| _ = event.set_name("…"));
        }
        if at != header.fixed.resume_ns {
            // Nothing but time: the packets of the chunk count from there.
            self.time(number, out, header.fixed.resume_ns.wrapping_sub(at), &|_| {});
        }
        let rest = self.packets(chunk, packets, out);
        // The header is one of the chunk's packets.
        let own = u64::from(chunk.packets()) - 1;
        self.delivered.packets += own;
        let sequence = self.of(number);
        sequence.info.read.store(header.fixed.serial + 1, Ordering::Relaxed);
        sequence.lost = header.fixed.lost;
        let events = own + u64::from(header.fixed.recovered);
        sequence.begun = true;
        self.gather(number, events, out, begin, rest.len());
        add(&shared.gathered, events);
        rest
    }

    /// A thread of which no chunk has been read, and that has begun no more than so many: what it has open.
    pub(super) fn idle(&mut self, shared: &Shared, info: &ThreadInfo, chunks: u32, out: &mut Vec<u8>) {
        let number = info.number();
        let is_there = self.threads.get(number as usize).is_some_and(Option::is_some);
        let open = if is_there { Vec::new() } else { info.open_while(chunks) };
        let Some((outermost, _)) = open.first() else { return };
        if !self.sequence(shared, number, out) {
            return;
        }
        let begin = out.len();
        let mut at = outermost.begin_ns;
        self.generation(number, out, at, false);
        let (sequence, mut new) = (self.of(number), Vec::new());
        open.iter().for_each(|(open, _)| sequence.meet(open.site, &mut new));
        self.define(number, &new, out);
        for (open, name) in &open {
            self.begin_again(number, open, name, out, at);
            at = open.begin_ns;
        }
        let lost = info.lost();
        let sequence = self.of(number);
        (sequence.lost, sequence.lost_before, sequence.begun) = (lost, lost, true);
        self.gather(number, 0, out, begin, 0);
    }

    /// Ends the slices of a thread that have ended, of which the thread itself will not say so any more. Whether there were any.
    fn end_unwritten(&mut self, shared: &Shared, number: u32, out: &mut Vec<u8>) -> bool {
        let Some(Some(sequence)) = self.threads.get(number as usize) else { return false };
        let info = sequence.info.clone();
        let times: Vec<u64> = info.unwritten.times().collect();
        let Some(&first) = times.first() else { return false };
        let begin = out.len();
        self.generation(number, out, first, true);
        let mut at = first;
        for &end in &times {
            self.end_slice(number, out, end.wrapping_sub(at));
            at = end;
        }
        info.unwritten.clear();
        let events = times.len() as u64;
        info.made_up(events);
        self.gather(number, events, out, begin, 0);
        add(&shared.gathered, events);
        true
    }

    /// Sees to it that the thread is known. False when nobody is of that number.
    fn sequence(&mut self, shared: &Shared, number: u32, out: &mut Vec<u8>) -> bool {
        if let Some(Some(_)) = self.threads.get(number as usize) {
            return true;
        }
        let Some(info) = shared.threads.get(number) else { return false };
        let uuid = mix(thread_uuid(self.pid, info.tid) ^ info.start);
        let sequence = Sequence {
            info,
            uuid,
            name: String::new(),
            begun: false,
            lost: 0,
            lost_before: 0,
            tally: Tally::default(),
            defined: Defined::default(),
        };
        if self.threads.len() <= number as usize {
            self.threads.resize_with(number as usize + 1, || None);
        }
        self.threads[number as usize] = Some(sequence);
        self.describe(number, out);
        true
    }

    fn of(&mut self, number: u32) -> &mut Sequence {
        self.threads[number as usize].as_mut().expect("`sequence` has seen to it")
    }

    /// Who the thread is.
    fn describe(&mut self, number: u32, out: &mut Vec<u8>) {
        let pid = self.pid;
        let sequence = self.of(number);
        sequence.name.clone_from(&lock(&sequence.info.name));
        let (uuid, tid, name) = (sequence.uuid, sequence.info.tid, sequence.name.clone());
        self.descriptor(uuid, out, &|track| {
            set_thread(track, pid, tid, Some(&name));
        });
    }

    /// The head of a generation: nothing said before is needed to read what follows. Its time is `at`.
    fn generation(&mut self, number: u32, out: &mut Vec<u8>, at: u64, has_lost: bool) {
        // A snapshot is never before the last one; then a packet of nothing but time goes back.
        let anchor = at.max(self.last_snapshot);
        self.last_snapshot = anchor;
        let sequence = self.of(number);
        sequence.defined.clear();
        let (id, uuid, first) = (sequence.info.sequence(), sequence.uuid, !sequence.begun);
        self.packet(id, out, &|packet| {
            packet.set_sequence_flags(CLEARED);
            if first {
                packet.set_first_packet_on_sequence(true);
            }
            if has_lost {
                packet.set_previous_packet_dropped(1);
            }
            set_defaults(packet, Some(uuid));
            set_clocks(packet, None, BuiltinClock::BUILTIN_CLOCK_MONOTONIC.value() as u32, anchor);
        });
        if anchor != at {
            self.time(number, out, at.wrapping_sub(anchor), &|_| {});
        }
    }

    /// Defines what is new, with its categories.
    fn define(&mut self, number: u32, words: &[u32], out: &mut Vec<u8>) {
        if words.is_empty() {
            return;
        }
        let mut new = Vec::new();
        for &word in words {
            if word & TRACK != 0 {
                self.describe_track(word & !TRACK, out);
                continue;
            }
            new.push(word);
            let site = CallSite::of_number(word);
            let category = site.filter(|site| site.has_category()).map_or(0, |site| site.category().number());
            if category != 0 && self.of(number).defined.insert(category | CATEGORY) {
                new.push(category | CATEGORY);
            }
        }
        if new.is_empty() {
            return;
        }
        let id = self.of(number).info.sequence();
        self.packet(id, out, &|packet| {
            packet.set_sequence_flags(NEEDS_STATE);
            packet.set_interned_data(|data| new.iter().for_each(|&word| define(data, word)));
        });
        for &word in new.iter().filter(|&&word| word & KINDS == 0) {
            if let Some(site) = CallSite::of_number(word).filter(|site| site.kind() == EventKind::Counter) {
                self.describe_counter(site, out);
            }
        }
    }

    /// A track that is declared, and what it lies under.
    fn describe_track(&mut self, number: u32, out: &mut Vec<u8>) {
        let Some(track) = TrackRef::of_number(number) else { return };
        let pid = self.pid;
        for track in track.with_ancestors() {
            let Some(uuid) = track.number().map(|number| track.uuid(number)) else { continue };
            if self.described.contains(&uuid) {
                continue;
            }
            self.delivered.packets += 1;
            let is_known = |uuid| self.described.contains(&uuid);
            descriptor(uuid, out, &|descriptor| track.describe(descriptor, pid, &is_known));
            self.described.insert(uuid);
        }
    }

    fn describe_counter(&mut self, site: &CallSite, out: &mut Vec<u8>) {
        let Some(name) = site.name() else { return };
        let (uuid, process) = (counter_track(site.track_number()), process_uuid(self.pid));
        if self.described.insert(uuid) {
            self.descriptor(uuid, out, &|track| {
                track.set_parent_uuid(process).set_name(name);
                track.set_counter(|counter| _ = counter.add_categories(site.category().name()));
            });
        }
    }

    /// A slice that is open and of which nothing has been written.
    fn begin_again(&mut self, number: u32, open: &Open, name: &str, out: &mut Vec<u8>, at: u64) {
        let site = CallSite::of_number(open.site);
        let category = site.map_or(0, |site| site.category().number());
        self.event(number, out, open.begin_ns.wrapping_sub(at), Type::TYPE_SLICE_BEGIN, &|event| {
            if category != 0 {
                event.add_category_iids(u64::from(category));
            }
            match site.and_then(CallSite::name) {
                Some(_) => event.set_name_iid(u64::from(open.site)),
                None => event.set_name(name),
            };
        });
    }

    fn end_slice(&mut self, number: u32, out: &mut Vec<u8>, delta: u64) {
        self.event(number, out, delta, Type::TYPE_SLICE_END, &|_| {});
    }

    /// An event of a thread's sequence, so long after the packet before.
    fn event(&mut self, number: u32, out: &mut Vec<u8>, delta: u64, is: Type, fill: &dyn Fn(&mut TrackEvent<'_>)) {
        self.time(number, out, delta, &|packet| {
            packet.set_track_event(|event| fill(event.set_type(is)));
        });
    }

    /// A packet of a thread's sequence, so long after the one before.
    fn time(&mut self, number: u32, out: &mut Vec<u8>, delta: u64, fill: &dyn Fn(&mut TracePacket<'_>)) {
        let id = self.of(number).info.sequence();
        self.packet(id, out, &|packet| fill(packet.set_sequence_flags(NEEDS_STATE).set_timestamp(delta)));
    }

    /// Who a track is.
    fn descriptor(&mut self, uuid: u64, out: &mut Vec<u8>, fill: &dyn Fn(&mut TrackDescriptor<'_>)) {
        self.delivered.packets += 1;
        descriptor(uuid, out, fill);
    }

    fn packet(&mut self, sequence: u32, out: &mut Vec<u8>, fill: &dyn Fn(&mut TracePacket<'_>)) {
        self.delivered.packets += 1;
        append(sequence, out, fill);
    }
}

/// A time of CLOCK_BOOTTIME on our clock.
fn from_boottime(shared: &Shared, ns: u64) -> i64 {
    let now = snapshot(&shared.clock);
    ns as i64 - (now.boottime as i64 - now.ours as i64)
}

/// Who a track is.
fn descriptor(uuid: u64, out: &mut Vec<u8>, fill: &dyn Fn(&mut TrackDescriptor<'_>)) {
    append(SEQUENCE, out, &|packet| {
        packet.set_track_descriptor(|track| fill(track.set_uuid(uuid)));
    });
}

/// Encodes a packet of a sequence behind what is there. Once for whatever it is filled with: writers are inlined, and would be over again into each caller.
#[inline(never)]
fn append(sequence: u32, out: &mut Vec<u8>, fill: &dyn Fn(&mut TracePacket<'_>)) {
    let packet = |packet: &mut TracePacket<'_>| fill(packet.set_trusted_packet_sequence_id(sequence));
    let begin = out.len();
    let mut room = 512;
    loop {
        out.resize(begin + room, 0);
        match Trace::encode(&mut out[begin..], |trace| _ = trace.add_packet(packet)).map(|packet| packet.len()) {
            Ok(len) => return out.truncate(begin + len),
            Err(pftrace_wire::Error::Overflow { needed, .. }) => room = needed,
            // It writes no oneof twice and has no required fields.
            Err(error) => unreachable!("{error}"),
        }
    }
}

fn define(data: &mut InternedData<'_>, word: u32) {
    let mut text = |kind, iid: u32, text| define_text(data, Definition { kind, iid: iid.into(), text, extra: 0 });
    if word & CATEGORY != 0 {
        let category = Category::of_number(word & !CATEGORY);
        text(Text::Category, word & !CATEGORY, category.map_or("", Category::name));
    } else if word & LOCATION != 0 {
        let Some(location) = SourceLocation::of_number(word & !LOCATION) else { return };
        define_location(data, (word & !LOCATION).into(), location.file(), location.function(), location.line());
    } else if let Some(site) = CallSite::of_number(word) {
        if let Some(name) = site.name().filter(|_| site.kind() != EventKind::Counter) {
            text(Text::EventName, word, name);
        }
        for (iid, key) in (site.first_key()..).zip(site.keys()) {
            text(Text::AnnotationName, iid, call_site::key_name(key));
        }
    }
}
