//! The engine of the Perfetto UI, run by Node.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::server::{Server, temporary_file};
use crate::tools;

/// The real trace processor.
///
/// There is one in a test program, since starting it costs half a second: [`shared`](Self::shared).
#[derive(Debug, Default)]
pub struct TraceProcessor {
    server: Option<Server>,
}

/// The folder of the built UI in the tools.
const DIST: &str = "ui/v52.0-6b9586def";

static SHARED: Mutex<TraceProcessor> = Mutex::new(TraceProcessor { server: None });

impl TraceProcessor {
    /// The one of this program, for one test at a time; `None` where it is not installed.
    #[must_use]
    pub fn shared() -> Option<MutexGuard<'static, Self>> {
        tools::require(DIST)?;
        Some(SHARED.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads a trace and reads all its tables.
    ///
    /// # Errors
    ///
    /// What the trace processor says against it. A trace that loads may still be unsound: see
    /// [`Loaded::complaints`].
    pub fn load(&mut self, trace: &[u8]) -> Result<Loaded, String> {
        let file = temporary_file(trace)?;
        let reply = self.ask(&json!({ "load": file.path() }))?;
        let cut = reply["cut"].as_str().unwrap_or_default().to_owned();
        Loaded::read(self, cut)
    }

    /// Asks about the trace that was loaded last.
    ///
    /// # Errors
    ///
    /// What is wrong with the query.
    pub fn query(&mut self, sql: &str) -> Result<Rows, String> {
        let reply = self.ask(&json!({ "query": sql }))?;
        Rows::parse(&reply).map_err(|error| format!("{error}: {sql}"))
    }

    fn ask(&mut self, request: &serde_json::Value) -> Result<serde_json::Value, String> {
        let server = match &mut self.server {
            Some(server) => server,
            none => {
                let script = tools::workspace().join("tools/tp/main.mjs");
                let dist = tools::dir().join(DIST);
                none.insert(Server::start(Command::new("node").arg(script).arg("--serve").arg("--dist").arg(dist))?)
            }
        };
        let reply = server.ask(&request.to_string()).inspect_err(|_| self.server = None)?;
        match reply["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(reply),
        }
    }
}

/// The cells of a table, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value for each column.
    pub rows: Vec<Vec<Value>>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes, in hexadecimal.
    Blob(String),
}

impl Rows {
    fn parse(reply: &serde_json::Value) -> Result<Self, String> {
        let list = |value: &serde_json::Value| value.as_array().cloned().ok_or("the reply is not a table");
        let columns =
            list(&reply["columns"])?.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
        let mut rows = Vec::new();
        for row in list(&reply["rows"])? {
            rows.push(list(&row)?.iter().map(Value::parse).collect::<Result<_, _>>()?);
        }
        Ok(Self { columns, rows })
    }
}

impl Value {
    fn parse(cell: &serde_json::Value) -> Result<Self, String> {
        let field = |kind| cell.get(kind).and_then(serde_json::Value::as_str);
        let bad = || format!("not a cell: {cell}");
        if cell.is_null() {
            Ok(Self::Null)
        } else if let Some(int) = field("int") {
            int.parse().map(Self::Int).map_err(|_| bad())
        } else if let Some(float) = field("float") {
            // JavaScript's spelling of infinity is Rust's too, but for the case.
            float.to_lowercase().parse().map(Self::Float).map_err(|_| bad())
        } else if let Some(text) = field("text") {
            Ok(Self::Text(text.to_owned()))
        } else {
            field("blob").map(|blob| Self::Blob(blob.to_owned())).ok_or_else(bad)
        }
    }

    /// The integer; 0 for anything else.
    #[must_use]
    pub fn int(&self) -> i64 {
        self.some_int().unwrap_or(0)
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn some_int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn some_float(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn some_text(&self) -> Option<String> {
        if let Self::Text(value) = self { Some(value.clone()) } else { None }
    }
}

/// What the trace processor has of a trace. Rows are in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Slices and instants.
    pub slices: Vec<Slice>,
    /// Values of counters, in the order of time.
    pub counters: Vec<Counter>,
    /// Tracks of all kinds, by id.
    pub tracks: BTreeMap<i64, Track>,
    /// Processes, by upid, without the kernel's idle one.
    pub processes: BTreeMap<i64, Process>,
    /// Threads, by utid, without the kernel's idle ones.
    pub threads: BTreeMap<i64, Thread>,
    /// Arrows: from slice to slice, by id.
    pub flows: Vec<(i64, i64)>,
    cut: String,
    complaints: Vec<String>,
}

/// A row of `slice`.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Its id.
    pub id: i64,
    /// The id of its track.
    pub track: i64,
    /// When it began, in nanoseconds of the trace.
    pub ts: i64,
    /// How long it took; 0 for an instant, -1 when it did not end.
    pub dur: i64,
    /// How many slices it lies in.
    pub depth: i64,
    /// The id of the slice it lies in.
    pub parent: Option<i64>,
    /// Its name.
    pub name: Option<String>,
    /// Its categories, joined by commas.
    pub category: Option<String>,
    /// Its arguments, by their flat key such as `debug.stack[0]`.
    pub args: BTreeMap<String, Arg>,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// `int`.
    Int(i64),
    /// `uint`.
    Uint(u64),
    /// `bool`.
    Bool(bool),
    /// `pointer`.
    Pointer(u64),
    /// `real`.
    Real(f64),
    /// `string`.
    Text(String),
    /// `null`.
    Null,
}

/// A value of a counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// The id of its track.
    pub track: i64,
    /// When, in nanoseconds of the trace.
    pub ts: i64,
    /// The value.
    pub value: f64,
}

/// A row of `track`.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its name; threads and processes have theirs elsewhere.
    pub name: Option<String>,
    /// What it is a track of.
    pub kind: Option<String>,
    /// The id of the track it belongs to.
    pub parent: Option<i64>,
    /// The thread it belongs to.
    pub utid: Option<i64>,
    /// The process it belongs to.
    pub upid: Option<i64>,
    /// The unit, of a counter.
    pub unit: Option<String>,
    /// What else the trace said of it: the `source_arg_set`.
    pub args: BTreeMap<String, Arg>,
}

/// A row of `process`.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its number.
    pub pid: i64,
    /// Its name.
    pub name: Option<String>,
    /// Its command line.
    pub cmdline: Option<String>,
}

/// A row of `thread`.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// Its number.
    pub tid: i64,
    /// Its name.
    pub name: Option<String>,
    /// Its process.
    pub upid: Option<i64>,
}

type ArgSets = BTreeMap<i64, BTreeMap<String, Arg>>;

impl Loaded {
    fn read(processor: &mut TraceProcessor, cut: String) -> Result<Self, String> {
        let args = arg_sets(processor)?;
        Ok(Self {
            slices: slices(processor, &args)?,
            counters: counters(processor)?,
            tracks: tracks(processor, &args)?,
            processes: processes(processor)?,
            threads: threads(processor)?,
            flows: each(processor, "select slice_out, slice_in from flow order by id", |row| {
                (row[0].int(), row[1].int())
            })?,
            complaints: complaints(processor)?,
            cut,
        })
    }

    /// How the file ends inside a packet; empty when it does not. The trace processor itself does not mind.
    #[must_use]
    pub fn cut(&self) -> &str {
        &self.cut
    }

    /// The statistics that tell of errors, losses or skipped packets, as text.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// The slices of a name, in the order of time.
    #[must_use]
    pub fn slices_named(&self, name: &str) -> Vec<&Slice> {
        let mut slices: Vec<_> = self.slices.iter().filter(|slice| slice.name.as_deref() == Some(name)).collect();
        slices.sort_by_key(|slice| slice.ts);
        slices
    }

    /// The values of the counter of a name.
    #[must_use]
    pub fn counter_values(&self, name: &str) -> Vec<(i64, f64)> {
        let named = |id| self.tracks.get(&id).is_some_and(|track| track.name.as_deref() == Some(name));
        self.counters.iter().filter(|c| named(c.track)).map(|c| (c.ts, c.value)).collect()
    }

    /// What the track of a slice is called in the UI: the track's name, or its thread's or process's.
    #[must_use]
    pub fn track_name(&self, slice: &Slice) -> Option<String> {
        let track = self.tracks.get(&slice.track)?;
        let thread = track.utid.and_then(|utid| self.threads.get(&utid)).and_then(|thread| thread.name.clone());
        let process = track.upid.and_then(|upid| self.processes.get(&upid)).and_then(|process| process.name.clone());
        track.name.clone().or(thread).or(process)
    }
}

fn each<T>(processor: &mut TraceProcessor, sql: &str, row: impl Fn(&[Value]) -> T) -> Result<Vec<T>, String> {
    Ok(processor.query(sql)?.rows.iter().map(|cells| row(cells)).collect())
}

fn arg_sets(processor: &mut TraceProcessor) -> Result<ArgSets, String> {
    let sql = "select arg_set_id, key, value_type, int_value, real_value, string_value from args order by id";
    let mut sets = ArgSets::new();
    for row in processor.query(sql)?.rows {
        let kind = row[2].some_text().unwrap_or_default();
        let value = match kind.as_str() {
            "int" => Arg::Int(row[3].int()),
            "uint" => Arg::Uint(row[3].int() as u64),
            "bool" => Arg::Bool(row[3].int() != 0),
            "pointer" => Arg::Pointer(row[3].int() as u64),
            "real" => row[4].some_float().map_or(Arg::Null, Arg::Real),
            "string" | "json" => row[5].some_text().map_or(Arg::Null, Arg::Text),
            _ => Arg::Null,
        };
        let set = sets.entry(row[0].int()).or_default();
        let key = row[1].some_text().unwrap_or_default();
        // The same key twice in one event is two rows: number them, so that none is lost.
        let key = match set.contains_key(&key) {
            true => format!("{key}#{}", set.len()),
            false => key,
        };
        set.insert(key, value);
    }
    Ok(sets)
}

fn args_of(sets: &ArgSets, id: &Value) -> BTreeMap<String, Arg> {
    id.some_int().and_then(|id| sets.get(&id)).cloned().unwrap_or_default()
}

fn slices(processor: &mut TraceProcessor, args: &ArgSets) -> Result<Vec<Slice>, String> {
    let sql = "select id, track_id, ts, dur, depth, parent_id, name, category, arg_set_id from slice order by id";
    each(processor, sql, |row| Slice {
        id: row[0].int(),
        track: row[1].int(),
        ts: row[2].int(),
        dur: row[3].int(),
        depth: row[4].int(),
        parent: row[5].some_int(),
        name: row[6].some_text(),
        category: row[7].some_text(),
        args: args_of(args, &row[8]),
    })
}

fn counters(processor: &mut TraceProcessor) -> Result<Vec<Counter>, String> {
    each(processor, "select track_id, ts, value from counter order by ts, id", |row| Counter {
        track: row[0].int(),
        ts: row[1].int(),
        value: row[2].some_float().unwrap_or(f64::NAN),
    })
}

fn tracks(processor: &mut TraceProcessor, args: &ArgSets) -> Result<BTreeMap<i64, Track>, String> {
    let sql = "select t.id, t.name, t.type, t.parent_id, t.source_arg_set_id,
        coalesce(tt.utid, ct.utid), coalesce(pt.upid, cp.upid), c.unit
        from track t
        left join thread_track tt on tt.id = t.id left join thread_counter_track ct on ct.id = t.id
        left join process_track pt on pt.id = t.id left join process_counter_track cp on cp.id = t.id
        left join counter_track c on c.id = t.id";
    let rows = each(processor, sql, |row| {
        let track = Track {
            name: row[1].some_text(),
            kind: row[2].some_text(),
            parent: row[3].some_int(),
            args: args_of(args, &row[4]),
            utid: row[5].some_int(),
            upid: row[6].some_int(),
            unit: row[7].some_text(),
        };
        (row[0].int(), track)
    })?;
    Ok(rows.into_iter().collect())
}

fn processes(processor: &mut TraceProcessor) -> Result<BTreeMap<i64, Process>, String> {
    let rows = each(processor, "select upid, pid, name, cmdline from process where pid != 0", |row| {
        (row[0].int(), Process { pid: row[1].int(), name: row[2].some_text(), cmdline: row[3].some_text() })
    })?;
    Ok(rows.into_iter().collect())
}

fn threads(processor: &mut TraceProcessor) -> Result<BTreeMap<i64, Thread>, String> {
    let rows = each(processor, "select utid, tid, name, upid from thread where tid != 0", |row| {
        (row[0].int(), Thread { tid: row[1].int(), name: row[2].some_text(), upid: row[3].some_int() })
    })?;
    Ok(rows.into_iter().collect())
}

fn complaints(processor: &mut TraceProcessor) -> Result<Vec<String>, String> {
    let reply = processor.ask(&json!({ "stats": true }))?;
    let rows = Rows::parse(&reply)?.rows;
    let text = |cell: &Value| match cell {
        Value::Int(value) => value.to_string(),
        other => other.some_text().unwrap_or_default(),
    };
    Ok(rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join(" ").trim().to_owned()).collect())
}
