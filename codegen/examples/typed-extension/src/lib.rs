//! A program whose events have fields of its own: the example of docs/recording.md.
//!
//! Annotations need no preparation, and any event can have any. Where a program's events are to have the same arguments, of the same
//! types, wherever they are recorded, they are declared once, in [a .proto file](https://protobuf.dev), and written by a
//! generated method: a name that is spelled wrong does not compile. In the UI and in queries they are `query.kind`, `cost.rows`.
//!
//! build.rs makes the writers, and the schema that goes into the trace.

use std::collections::BTreeMap;
use std::ops::Bound::Included;
use std::path::Path;

use pftrace::protos::TrackEvent;
use pftrace::{Report, Session, SessionError, end, slice};

use self::generated::store::TrackEventExtensions;
use self::generated::store::query::Kind;

mod generated {
    include!(concat!(env!("OUT_DIR"), "/store.rs"));
}

/// What proto/store.proto says, for those who read the trace.
const SCHEMA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/store.binpb"));

/// Asks everything of an empty store, recorded.
///
/// # Errors
///
/// When it can't be recorded.
pub fn trace(path: &Path, queries: &[Query<'_>]) -> Result<(Vec<Answer>, Report), SessionError> {
    // The trace holds the schema: it can be read wherever it is sent.
    let session = Session::builder().file(path).extension_descriptor(SCHEMA).start()?;
    let mut store = Store::default();
    let answers = queries.iter().map(|query| store.ask(query)).collect();
    Ok((answers, session.stop()?))
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query<'a> {
    /// The value of a key.
    Get(&'a str),
    /// A key is to have that value.
    Put(&'a str, &'a str),
    /// The values of all keys from the first up to the second.
    Scan(&'a str, &'a str),
}

/// What there is to it: so many values, of so many bytes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The values.
    pub rows: u32,
    /// Their bytes.
    pub bytes: u64,
}

#[derive(Default)]
struct Store(BTreeMap<String, String>);

impl Store {
    fn ask(&mut self, query: &Query<'_>) -> Answer {
        // What is asked is known at the begin.
        let asked = slice!(with: |event| query.write(event), "store", query.name());
        let mut answer = Answer::default();
        let mut found = |value: &String| {
            answer.rows += 1;
            answer.bytes += value.len() as u64;
        };
        match *query {
            Query::Get(key) => self.0.get(key).into_iter().for_each(&mut found),
            Query::Put(key, value) => _ = self.0.insert(key.into(), value.into()),
            Query::Scan(first, last) if first <= last => {
                self.0.range::<str, _>((Included(first), Included(last))).for_each(|(_, value)| found(value));
            }
            Query::Scan(..) => {}
        }
        // What it took, only now.
        end!(slice: asked, with: |event| answer.write(event));
        answer
    }
}

impl Query<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Put(..) => "put",
            Self::Scan(..) => "scan",
        }
    }

    /// Nothing can be recorded in here, and it may be called twice: it says what is, and changes nothing.
    fn write(&self, event: &mut TrackEvent<'_>) {
        event.set_query(|to| {
            match *self {
                Self::Get(key) => to.set_kind(Kind::KIND_GET).add_keys(key),
                Self::Put(key, _) => to.set_kind(Kind::KIND_PUT).add_keys(key),
                Self::Scan(first, last) => to.set_kind(Kind::KIND_SCAN).add_keys(first).add_keys(last),
            };
        });
    }
}

impl Answer {
    fn write(&self, event: &mut TrackEvent<'_>) {
        event.set_cost(|cost| {
            cost.set_rows(self.rows).set_bytes(self.bytes);
        });
    }
}
