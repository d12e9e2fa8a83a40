//! Times of other clocks, as the trace processor converts them.

use std::collections::BTreeMap;

/// What the snapshots so far say: per clock its readings, and the trace's clock at each.
#[derive(Debug)]
pub(crate) struct Clocks {
    trace: u32,
    readings: BTreeMap<u32, Vec<(u64, u64)>>,
}

impl Clocks {
    pub(crate) fn new(trace: u32) -> Self {
        Self { trace, readings: BTreeMap::new() }
    }

    pub(crate) fn snapshot(&mut self, readings: &[(u32, u64)]) {
        let own = readings.iter().find(|(clock, _)| *clock == self.trace).map_or(0, |reading| reading.1);
        for (clock, ns) in readings {
            self.readings.entry(*clock).or_default().push((*ns, own));
        }
    }

    /// The trace's time: by the last snapshot at or before it, else by the first.
    pub(crate) fn convert(&self, (clock, ns): (u32, u64)) -> i64 {
        if clock == self.trace {
            return ns as i64;
        }
        let Some(readings) = self.readings.get(&clock) else { return -1 };
        let before = readings.iter().rev().find(|(read, _)| *read <= ns).or(readings.first());
        before.map_or(-1, |(read, own)| ns as i64 - *read as i64 + *own as i64)
    }
}
