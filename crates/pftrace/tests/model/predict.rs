//! Predicts the rows that the trace processor shows of a trace, by what its packets say: the events are sorted by time, and
//! those of a track are a stack of slices.

use std::collections::{BTreeMap, BTreeSet};

use pftrace_testkit::Arg as Shown;
use serde_json::Value;

use crate::args::Args;
use crate::clocks::Clocks;
use crate::program::Number;
use crate::record::{Happened, Record, Says, Type};
use crate::rows::{Counter, Key, Rows, Slice, Track};

/// What the trace processor must show. `clock` is the number of the trace's clock.
pub(crate) fn predict(records: &[Record], clock: u32) -> Rows {
    let mut model = Model::default();
    let mut clocks = Clocks::new(clock);
    let mut events = Vec::new();
    for record in records {
        match &record.says {
            Says::Descriptor(descriptor) => model.describe(descriptor),
            Says::Snapshot(readings) => clocks.snapshot(readings),
            Says::Event(event) => events.push((clocks.convert(event.at), event)),
            Says::Other(_) => {}
        }
    }
    events.sort_by_key(|(ts, _)| *ts);
    for (ts, event) in events {
        model.event(ts, event);
    }
    model.rows()
}

/// How the begins and ends of all tracks come out once they are sorted by time.
#[derive(Debug, Default)]
pub(crate) struct Matching {
    /// Ends where nothing is open.
    pub(crate) stray_ends: usize,
    /// Whether on some track one is before another that was written before it: calls name several clocks, or several handles.
    pub(crate) goes_back: bool,
    /// The most that are open on a track.
    pub(crate) deepest: usize,
}

pub(crate) fn matching(records: &[Record], clock: u32) -> Matching {
    let mut matching = Matching::default();
    let mut clocks = Clocks::new(clock);
    let mut events = Vec::new();
    let mut last = BTreeMap::new();
    for record in records {
        match &record.says {
            Says::Snapshot(readings) => clocks.snapshot(readings),
            Says::Event(event) if matches!(event.kind, Type::Begin | Type::End) => {
                let ts = clocks.convert(event.at);
                matching.goes_back |= last.insert(event.track, ts).is_some_and(|last| last > ts);
                events.push((ts, event));
            }
            _ => {}
        }
    }
    events.sort_by_key(|(ts, _)| *ts);
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, event) in events {
        let open = open.entry(event.track).or_default();
        match event.kind {
            Type::Begin => *open += 1,
            _ if *open == 0 => matching.stray_ends += 1,
            _ => *open -= 1,
        }
        matching.deepest = matching.deepest.max(*open);
    }
    matching
}

#[derive(Default)]
struct Model<'r> {
    descriptors: BTreeMap<u64, &'r Value>,
    /// Tracks that have rows.
    used: BTreeSet<u64>,
    /// Names of tracks that nothing describes.
    names: BTreeMap<u64, Option<String>>,
    stacks: BTreeMap<u64, Vec<usize>>,
    args: Vec<Args>,
    flows: BTreeMap<u64, usize>,
    states: usize,
    rows: Rows,
}

/// While it is open.
const PENDING: i64 = -1;

/// Deeper slices are left at depth 0, without arguments and flows, and can't be ended. So many can be open when calls name
/// several clocks, and instants of one time lie in each other.
const DEEPEST: usize = 512;

impl<'r> Model<'r> {
    fn describe(&mut self, descriptor: &'r Value) {
        self.descriptors.entry(number(&descriptor["uuid"]) as u64).or_insert(descriptor);
        let (process, thread) = (&descriptor["process"], &descriptor["thread"]);
        if !process.is_null() {
            let pid = number(&process["pid"]);
            self.rows.processes.insert((pid, full(text(&process["process_name"]))));
            self.main_thread(pid);
        }
        if !thread.is_null() {
            let (pid, tid) = (number(&thread["pid"]), number(&thread["tid"]));
            self.rows.threads.remove(&(pid, tid, None));
            self.rows.threads.insert((pid, tid, full(text(&thread["thread_name"]))));
        }
    }

    /// A process has one, also when nothing describes it.
    fn main_thread(&mut self, pid: i64) {
        if !self.rows.threads.iter().any(|thread| (thread.0, thread.1) == (pid, pid)) {
            self.rows.threads.insert((pid, pid, None));
        }
    }

    fn event(&mut self, ts: i64, event: &Happened) {
        match event.kind {
            Type::Begin => self.slice(ts, PENDING, event),
            Type::Instant => self.slice(ts, 0, event),
            Type::End => self.end(ts, event),
            Type::Counter(value) => self.counter(ts, event.track, value),
            // Newer than this trace processor, which complains of it unless a thread is to blame.
            Type::State => {
                self.states += usize::from(self.root(event.track).is_none_or(|root| root["thread"].is_null()))
            }
        }
    }

    fn slice(&mut self, ts: i64, dur: i64, event: &Happened) {
        self.use_track(event.track, &event.name);
        self.close(ts, dur, event.track);
        let stack = self.stacks.entry(event.track).or_default();
        let too_deep = stack.len() >= DEEPEST;
        let index = self.rows.slices.len();
        self.rows.slices.push(Slice {
            track: key(&self.descriptors, event.track),
            ts,
            dur,
            depth: if too_deep { 0 } else { stack.len() as i64 },
            parent: stack.last().filter(|_| !too_deep).map(|parent| *parent as i64),
            name: event.name.clone(),
            category: joined(&event.event.categories),
            args: BTreeMap::new(),
        });
        self.args.push(Args::default());
        if !too_deep {
            stack.push(index);
            self.args[index].add(&event.event);
            self.flow(index, event);
        }
    }

    fn end(&mut self, ts: i64, event: &Happened) {
        self.use_track(event.track, &None);
        self.close(ts, PENDING, event.track);
        let Some(index) = self.stacks.entry(event.track).or_default().pop() else { return };
        self.rows.slices[index].dur = ts - self.rows.slices[index].ts;
        self.args[index].add(&event.event);
        self.flow(index, event);
    }

    /// Instants that are over by now. One lies in another of the same time.
    fn close(&mut self, ts: i64, dur: i64, track: u64) {
        let stack = self.stacks.entry(track).or_default();
        while let Some(&top) = stack.last() {
            let top = &self.rows.slices[top];
            if top.dur == PENDING || (top.ts == ts && dur == 0) {
                break;
            }
            stack.pop();
        }
    }

    fn flow(&mut self, slice: usize, event: &Happened) {
        for id in &event.event.flows {
            if let Some(from) = self.flows.insert(*id, slice) {
                self.arrow(from, slice);
            }
        }
        for id in &event.event.terminating_flows {
            if let Some(from) = self.flows.remove(id) {
                self.arrow(from, slice);
            }
        }
    }

    /// From the slice that began first, although its end may be what says so.
    fn arrow(&mut self, from: usize, to: usize) {
        let begins_later = self.rows.slices[from].ts > self.rows.slices[to].ts;
        let (from, to) = if begins_later { (to, from) } else { (from, to) };
        self.rows.flows.push((from as i64, to as i64));
    }

    fn counter(&mut self, ts: i64, track: u64, value: Number) {
        self.use_track(track, &None);
        let counter = self.descriptors.get(&track).map(|descriptor| &descriptor["counter"]);
        let multiplier = counter.map_or(1, |counter| match &counter["unit_multiplier"] {
            Value::Null => 1,
            multiplier => number(multiplier),
        });
        let value = match value {
            Number::Int(value) => value as f64,
            Number::Double(value) => value,
        };
        let value = value * multiplier as f64;
        // The trace processor prints -0 as 0.
        let value = if value == 0.0 { 0.0 } else { value };
        self.rows.counters.push(Counter { track: key(&self.descriptors, track), ts, value });
    }

    /// A track has a row when it has an event, or one of its descendants has.
    fn use_track(&mut self, uuid: u64, name: &Option<String>) {
        let mut next = Some(uuid);
        while let Some(uuid) = next.filter(|uuid| self.used.insert(*uuid)) {
            next = self
                .descriptors
                .get(&uuid)
                .and_then(|descriptor| some_number(&descriptor["parent_uuid"]))
                .map(|uuid| uuid as u64);
        }
        self.names.entry(uuid).or_insert_with(|| name.clone());
    }

    /// The description of who a track belongs to: at the root of its parents.
    fn root(&self, uuid: u64) -> Option<&'r Value> {
        let mut root = *self.descriptors.get(&uuid)?;
        while let Some(parent) = some_number(&root["parent_uuid"]) {
            root = self.descriptors.get(&(parent as u64))?;
        }
        Some(root)
    }

    /// Of a process or thread: no track's parent in the tables.
    fn is_root(&self, uuid: u64) -> bool {
        let descriptor = self.descriptors.get(&uuid);
        descriptor.is_some_and(|descriptor| !descriptor["process"].is_null() || !descriptor["thread"].is_null())
    }

    fn rows(mut self) -> Rows {
        let args = std::mem::take(&mut self.args).into_iter();
        self.rows.slices.iter_mut().zip(args).for_each(|(slice, args)| slice.args = args.shown());
        self.rows.tracks = self.used.iter().map(|uuid| self.track(*uuid)).collect();
        if self.states > 0 {
            self.rows.complaints.push(format!("track_event_parser_errors  info {}", self.states));
        }
        self.rows
    }

    fn track(&self, uuid: u64) -> Track {
        let key = |uuid| key(&self.descriptors, uuid);
        let Some(descriptor) = self.descriptors.get(&uuid) else {
            let (name, args) = match uuid {
                0 => (Some("Default Track".to_owned()), vec![("is_root_in_scope", Shown::Bool(true))]),
                _ => (
                    self.names[&uuid].clone(),
                    vec![("is_root_in_scope", Shown::Bool(false)), ("has_first_packet_on_sequence", Shown::Bool(true))],
                ),
            };
            return Track {
                key: Key::Uuid(uuid),
                name,
                kind: "global_merged_track_event".into(),
                parent: None,
                pid: None,
                tid: None,
                unit: None,
                args: track_args(uuid, args),
            };
        };
        let Some(root) = self.root(uuid) else { unreachable!("it is described") };
        let (thread, process) = (&root["thread"], &root["process"]);
        let is_root = descriptor["parent_uuid"].is_null();
        let pid = some_number(&thread["pid"]).or(some_number(&process["pid"]));
        let tid = some_number(&thread["tid"]);
        if is_root && tid.is_some() {
            return Track {
                key: key(uuid),
                name: None,
                kind: "thread_execution".into(),
                parent: None,
                pid,
                tid,
                unit: None,
                args: "{}".into(),
            };
        }
        let scope = if tid.is_some() {
            "thread"
        } else if pid.is_some() {
            "process"
        } else {
            "global"
        };
        let is_process = is_root && pid.is_some();
        let counter = &descriptor["counter"];
        let merged = text(&descriptor["sibling_merge_behavior"]).as_deref() != Some("SIBLING_MERGE_BEHAVIOR_NONE");
        let what = match (counter.is_null(), merged && !is_process) {
            (false, _) => "counter_track",
            (true, true) => "merged_track",
            (true, false) => "track",
        };
        let unit = match text(&counter["unit"]).as_deref() {
            Some("UNIT_TIME_NS") => Some("ns".to_owned()),
            Some("UNIT_COUNT") => Some("count".to_owned()),
            Some("UNIT_SIZE_BYTES") => Some("bytes".to_owned()),
            _ => text(&counter["unit_name"]),
        };
        let mut args =
            vec![("is_root_in_scope", Shown::Bool(is_process)), ("has_first_packet_on_sequence", Shown::Bool(true))];
        args.extend(text(&descriptor["description"]).map(|text| ("description", Shown::Text(text))));
        args.extend(
            text(&descriptor["child_ordering"]).map(|order| ("child_ordering", Shown::Text(order.to_lowercase()))),
        );
        args.extend(
            some_number(&descriptor["sibling_order_rank"]).map(|rank| ("sibling_order_rank", Shown::Int(rank))),
        );
        args.extend(text(&counter["y_axis_share_key"]).map(|key| ("y_axis_share_key", Shown::Text(key))));
        let parent = some_number(&descriptor["parent_uuid"]).map(|uuid| uuid as u64);
        Track {
            key: key(uuid),
            name: text(&descriptor["name"]),
            kind: format!("{scope}_{what}_event"),
            parent: parent.filter(|uuid| !self.is_root(*uuid)).map(key),
            pid,
            tid,
            unit,
            args: track_args(uuid, args),
        }
    }
}

/// Categories, with commas between them but none at the front.
fn joined(categories: &[String]) -> Option<String> {
    categories.iter().cloned().reduce(|all, next| if all.is_empty() { next } else { all + "," + &next })
}

fn track_args(uuid: u64, more: Vec<(&str, Shown)>) -> String {
    let fixed = [("source", Shown::Text("descriptor".into())), ("trace_id", Shown::Int(uuid as i64))];
    let args: BTreeMap<_, _> = fixed.into_iter().chain(more).collect();
    format!("{args:?}")
}

fn key(descriptors: &BTreeMap<u64, &Value>, uuid: u64) -> Key {
    let thread = descriptors.get(&uuid).map(|descriptor| &descriptor["thread"]).filter(|thread| !thread.is_null());
    thread.map_or(Key::Uuid(uuid), |thread| Key::Thread { pid: number(&thread["pid"]), tid: number(&thread["tid"]) })
}

/// Of an empty name of a process or thread it makes none.
fn full(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn some_number(value: &Value) -> Option<i64> {
    (!value.is_null()).then(|| number(value))
}

/// Numbers of 64 bits are texts; those without a sign may not fit.
fn number(value: &Value) -> i64 {
    let digits = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    digits.parse().or_else(|_| digits.parse::<u64>().map(|number| number as i64)).unwrap_or(-1)
}
