//! Slices on tracks of their own in snapshots: none that was not there, and all that were, with their own begin and end, whichever threads
//! began and ended them and whatever of it has been overwritten.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use pftrace::{Lanes, MAX_OPEN_TRACK_SLICES, NamedTrack, Session, TrackSlice, begin, end, instant, slice};
use pftrace_testkit::{Loaded, Slice, check};

use crate::alone;
use crate::flight::{builder, snapshot};
use crate::losses::{STRAY, now};

/// Until so many more events have been overwritten.
fn overwrite(session: &Session, events: u64) {
    let until = session.stats().overwritten + events;
    while session.stats().overwritten < until {
        (0..1_000).for_each(|_| instant!("flight", "filling"));
    }
}

/// The time at which `f` was, and what it returned.
fn timed<R>(f: impl FnOnce() -> R) -> (Range<i64>, R) {
    let before = now();
    let result = f();
    (before - STRAY..now() + STRAY, result)
}

fn only<'l>(loaded: &'l Loaded, name: &str) -> &'l Slice {
    let named = loaded.slices_named(name);
    assert_eq!(named.len(), 1, "{name}: {named:#?}");
    named[0]
}

/// Each chunk says which tracks it has, whatever those before it said, and also of one that is seldom recorded on, which hardly ever begins a chunk.
#[test]
fn tracks_are_known_whatever_was_overwritten() {
    static OFTEN: NamedTrack = NamedTrack::new("flight-often");
    static SELDOM: NamedTrack = NamedTrack::new("flight-seldom");
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let kept = [(); 5].map(|()| {
        let until = session.stats().overwritten + 10_000;
        while session.stats().overwritten < until {
            (0..400).for_each(|_| instant!(track: &OFTEN, "flight", "often"));
            instant!(track: &SELDOM, "flight", "seldom");
        }
        snapshot(&session.recorder()).0
    });
    assert_eq!(session.stop().unwrap().lost(), 0);
    for kept in kept {
        let Some(loaded) = check(&kept) else { return };
        let of = |name: &str| loaded.slices_named(name).into_iter().map(|event| loaded.track_name(event)).collect();
        let (often, seldom): (Vec<_>, Vec<_>) = (of("often"), of("seldom"));
        assert!(often.len() > 400 && often.iter().all(|track| track.as_deref() == Some("flight-often")));
        assert!(!seldom.is_empty() && seldom.iter().all(|track| track.as_deref() == Some("flight-seldom")));
    }
}

/// An end whose begin has been overwritten ends its own slice, and not the one around it; that goes on, with its own begin.
#[test]
fn an_end_ends_what_it_began() {
    static TRACK: NamedTrack = NamedTrack::new("flight-own");
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let (outer_begun, outer) = timed(|| slice!(track: &TRACK, "flight", "outer", number = 7));
    let (inner_begun, inner) = timed(|| slice!(track: &TRACK, "flight", "inner", number = 8));
    let (spoken_begun, ()) = timed(|| begin!(track: &TRACK, "flight", String::from("at run time").as_str()));
    overwrite(&session, 10_000);
    let (open, _) = snapshot(&session.recorder());
    let (spoken_ended, ()) = timed(|| end!(track: &TRACK, "flight"));
    let (inner_ended, ()) = thread::spawn(move || timed(|| drop(inner))).join().unwrap();
    // Two in a row, and one that was full of other things meanwhile.
    let ended = [(); 2].map(|()| snapshot(&session.recorder()).0);
    overwrite(&session, 10_000);
    let (late, _) = snapshot(&session.recorder());
    let (outer_ended, ()) = timed(|| drop(outer));
    let (over, _) = snapshot(&session.recorder());
    assert_eq!(session.stop().unwrap().lost(), 0);
    let Some(loaded) = check(&open) else { return };
    let names = [("outer", &outer_begun), ("inner", &inner_begun), ("at run time", &spoken_begun)];
    for (depth, (name, begun)) in (0..).zip(names) {
        let row = only(&loaded, name);
        assert_eq!((row.dur, row.depth, row.category.as_deref()), (-1, depth, Some("flight")));
        assert!(begun.contains(&row.ts), "{row:?}");
        assert_eq!(loaded.track_name(row).as_deref(), Some("flight-own"));
    }
    for trace in &ended {
        let loaded = check(trace).unwrap();
        assert_eq!(only(&loaded, "outer").dur, -1);
        for (name, begun, ended) in
            [("inner", &inner_begun, &inner_ended), ("at run time", &spoken_begun, &spoken_ended)]
        {
            let row = only(&loaded, name);
            assert!(begun.contains(&row.ts) && ended.contains(&(row.ts + row.dur)), "{row:?} in {begun:?}, {ended:?}");
        }
    }
    let loaded = check(&late).unwrap();
    assert_eq!((only(&loaded, "outer").dur, only(&loaded, "outer").depth), (-1, 0));
    assert!(outer_begun.contains(&only(&loaded, "outer").ts));
    assert!(loaded.slices.iter().all(|row| ["outer", "filling"].contains(&row.name.as_deref().unwrap())));
    let loaded = check(&over).unwrap();
    let row = only(&loaded, "outer");
    assert!(outer_begun.contains(&row.ts) && outer_ended.contains(&(row.ts + row.dur)), "{row:?}");
}

static LEFT: NamedTrack = NamedTrack::new("flight-left");

/// While `f` runs, which gets the slice, the thread that began it rests and keeps its chunk.
fn while_its_thread_rests(f: impl FnOnce(TrackSlice)) {
    let over = AtomicBool::new(false);
    let (send, receive) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            send.send(slice!(track: &LEFT, "flight", "left")).unwrap();
            while !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
        });
        f(receive.recv().unwrap());
        over.store(true, Ordering::Relaxed);
    });
}

/// The thread with the begin rests, so that it is still there, and the end has long been overwritten.
#[test]
fn a_begin_that_is_left_over_is_not_open() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let (mut traces, mut ended) = (Vec::new(), 0..0);
    while_its_thread_rests(|slice| {
        ended = timed(|| drop(slice)).0;
        overwrite(&session, 5_000);
        drop(slice!(track: &LEFT, "flight", "after"));
        traces.push(snapshot(&session.recorder()).0);
    });
    // The same, when it is no longer known when it ended.
    while_its_thread_rests(|slice| {
        drop(slice);
        for _ in 0..2 * MAX_OPEN_TRACK_SLICES {
            drop(slice!(track: &LEFT, "flight", "after"));
        }
        traces.push(snapshot(&session.recorder()).0);
    });
    assert_eq!(session.stop().unwrap().lost(), 0);
    let Some(loaded) = check(&traces[0]) else { return };
    let left = only(&loaded, "left");
    assert!(ended.contains(&(left.ts + left.dur)), "{left:?} ends in {ended:?}");
    assert_eq!(only(&loaded, "after").depth, 0);
    let loaded = check(&traces[1]).unwrap();
    let (left, after) = (loaded.slices_named("left"), loaded.slices_named("after"));
    assert!(left.is_empty() && after.len() > 100, "{left:?}");
    assert!(after.iter().all(|row| row.depth == 0 && row.dur > 0));
}

/// An end that its thread can't write is in each snapshot, not in the first alone.
#[test]
fn a_late_end_is_in_each_snapshot() {
    static TRACK: NamedTrack = NamedTrack::new("flight-late");
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let open = std::cell::Cell::new(Some(slice!(track: &TRACK, "flight", "open")));
    instant!(with: |_: &mut pftrace::protos::TrackEvent<'_>| drop(open.take()), "flight", "within");
    drop(slice!(track: &TRACK, "flight", "after"));
    let traces = [(); 3].map(|()| snapshot(&session.recorder()).0);
    drop(session);
    for trace in traces {
        let Some(loaded) = check(&trace) else { return };
        let (open, after) = (only(&loaded, "open"), only(&loaded, "after"));
        assert!(open.dur > 0 && open.ts + open.dur < after.ts && after.depth == 0, "{open:?}, {after:?}");
    }
}

/// What begins when too many are open is dropped, and counted; it is not begun again either.
#[test]
fn so_many_can_be_open() {
    static LANES: [Lanes<4096>; 3] = [Lanes::new("flight-0"), Lanes::new("flight-1"), Lanes::new("flight-2")];
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let begin = |number: usize| slice!(track: &LANES[number / 4096], "flight", "open");
    let mut open: Vec<_> = (0..10_000).map(begin).collect();
    let lost = 10_000 - u64::from(MAX_OPEN_TRACK_SLICES);
    assert_eq!(session.stats().dropped.too_many_tracks, lost);
    open.truncate(1_000);
    overwrite(&session, 10_000);
    let (trace, _) = snapshot(&session.recorder());
    // What ended has made room.
    open.extend((1_000..8_000).map(begin));
    assert_eq!(session.stop().unwrap().lost(), lost);
    let Some(loaded) = check(&trace) else { return };
    let open = loaded.slices_named("open");
    assert!(open.len() == 1_000 && open.iter().all(|row| (row.dur, row.depth) == (-1, 0)), "{}", open.len());
}

/// A slice that was recorded.
#[derive(Clone, Debug)]
struct Recorded {
    begin: Range<i64>,
    /// Between these it ended, or will.
    end: Range<i64>,
    depth: i64,
    name: String,
    track: &'static str,
}

/// Most slices have begun sooner than so many nanoseconds after somebody set about it.
const ABOUT: i64 = 1_000_000;

const NEVER: Range<i64> = i64::MAX..i64::MAX;

#[derive(Default)]
struct Log(Mutex<Vec<Recorded>>);

static NESTED: NamedTrack = NamedTrack::new("flight-nested");
static SPOKEN: NamedTrack = NamedTrack::new("flight-spoken");
static LANES: Lanes = Lanes::new("flight-lane");

impl Log {
    /// A slice has begun, and will be known by its number: that of its place.
    fn begin<R>(&self, track: &'static str, depth: usize, begin: impl FnOnce(&str) -> R) -> (usize, R) {
        // The number is there before the slice can be in a snapshot.
        let number = {
            let mut log = self.0.lock().unwrap();
            let number = log.len();
            // Each second has its name from its call site, and is known by its time then.
            let name = if number % 2 == 0 { number.to_string() } else { "constant".into() };
            log.push(Recorded { begin: NEVER, end: NEVER, depth: depth as i64, name, track });
            number
        };
        let name = if number % 2 == 0 { number.to_string() } else { String::new() };
        let (at, slice) = timed(|| begin(&name));
        self.0.lock().unwrap()[number].begin = at;
        (number, slice)
    }

    fn end(&self, number: usize, end: impl FnOnce()) {
        let before = now() - STRAY;
        self.0.lock().unwrap()[number].end = before..i64::MAX;
        end();
        self.0.lock().unwrap()[number].end.end = now() + STRAY;
    }
}

type Open = Mutex<Vec<(usize, TrackSlice)>>;

fn slice_on(track: &'static NamedTrack, name: &str) -> TrackSlice {
    if name.is_empty() { slice!(track: track, "flight", "constant") } else { slice!(track: track, "flight", name) }
}

/// Begins and ends slices that all threads share: on one track within each other, by guards and by `begin!` and `end!`, and on lanes.
fn record(seed: u64, log: &Log, nested: &Open, lanes: &Open, spoken: &Mutex<Vec<usize>>, over: &AtomicBool) {
    let mut random = seed;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    while !over.load(Ordering::Relaxed) {
        {
            let mut open = nested.lock().unwrap();
            // The outermost lives long, and the next not much shorter.
            let lives = [4_000, 500, 3, 1].get(open.len().wrapping_sub(1)).copied();
            if open.len() < 4 && lives.is_none_or(|lives| next(lives + 1) > 0) {
                let slice = log.begin("flight-nested", open.len(), |name| slice_on(&NESTED, name));
                open.push(slice);
            } else if let Some((number, slice)) = open.pop() {
                log.end(number, || drop(slice));
            }
        }
        {
            let mut open = spoken.lock().unwrap();
            if open.len() < 3 && next(2) == 0 {
                let begin = |name: &str| match name {
                    "" => begin!(track: &SPOKEN, "flight", "constant"),
                    name => begin!(track: &SPOKEN, "flight", name),
                };
                let (number, ()) = log.begin("flight-spoken", open.len(), begin);
                open.push(number);
            } else if let Some(number) = open.pop() {
                log.end(number, || end!(track: &SPOKEN, "flight"));
            }
        }
        let begin = |name: &str| match name {
            "" => slice!(track: &LANES, "flight", "constant"),
            name => slice!(track: &LANES, "flight", name),
        };
        let begun = log.begin("flight-lane", 0, begin);
        let ended = {
            let mut open = lanes.lock().unwrap();
            open.push(begun);
            // The first ones live long.
            let first = if next(2_000) == 0 { 0 } else { 3 };
            (open.len() > 8).then(|| {
                let place = first + next((open.len() - first) as u64) as usize;
                open.swap_remove(place)
            })
        };
        if let Some((number, slice)) = ended {
            log.end(number, || drop(slice));
        }
        instant!("flight", "own");
    }
}

/// Each row is a slice that was recorded, and each slice that is to be there is there, once.
fn assert_whole(loaded: &Loaded, log: &[Recorded], asked: i64, taken: i64) {
    let (mut begins, mut stopped) = (BTreeMap::new(), Vec::new());
    for (number, recorded) in log.iter().enumerate().filter(|(_, recorded)| recorded.name == "constant") {
        match recorded.begin.end - recorded.begin.start < ABOUT {
            true => _ = begins.insert((recorded.begin.start, number), number),
            // The system has stopped the thread meanwhile.
            false => stopped.push(number),
        }
    }
    // Each thread has what it recorded since then.
    let mut since = BTreeMap::new();
    for row in loaded.slices_named("own") {
        let first = since.entry(row.track).or_insert(row.ts);
        *first = row.ts.min(*first);
    }
    let since = since.values().copied().max().unwrap();
    let on_tracks = |row: &&Slice| row.name.as_deref() != Some("own") && row.name.as_deref() != Some("filling");
    let rows: Vec<&Slice> = loaded.slices.iter().filter(on_tracks).collect();
    let fit = |row: &Slice| -> Vec<usize> {
        let track = loaded.track_name(row).unwrap();
        let fits = |&number: &usize| {
            let recorded = &log[number];
            let ends = match row.dur {
                // It had not ended, for all that the thread knew that ends it.
                -1 => recorded.end.end > asked,
                dur => recorded.end.contains(&(row.ts + dur)),
            };
            // What lies around it may be missing where it is older than what all threads have.
            let lies = row.depth == recorded.depth || row.depth < recorded.depth && row.ts < since;
            recorded.track == track && recorded.begin.contains(&row.ts) && ends && lies
        };
        match row.name.as_deref().unwrap().parse::<usize>() {
            Ok(number) => Some(number).into_iter().filter(fits).collect(),
            // Of those that began about then.
            Err(_) => {
                let about = begins.range((row.ts - ABOUT, 0)..=(row.ts, usize::MAX));
                about.map(|(_, number)| *number).chain(stopped.iter().copied()).filter(fits).collect()
            }
        }
    };
    let candidates: Vec<_> = rows.iter().map(|row| fit(row)).collect();
    // Which row is which: slices of one name may overlap, and then a row fits several.
    let mut row_of = vec![None; log.len()];
    for (row, of_row) in rows.iter().zip(0..) {
        let is_one = matched(of_row, &candidates, &mut row_of, &mut vec![false; log.len()]);
        assert!(is_one, "nobody recorded {row:?} on {:?}, asked at {asked}", loaded.track_name(row));
    }
    assert!(rows.iter().all(|row| row.category.as_deref() == Some("flight")));
    let found: Vec<usize> = row_of.iter().map(|row| usize::from(row.is_some())).collect();
    for (number, recorded) in log.iter().enumerate() {
        let was_open = recorded.begin.end < asked && recorded.end.start > taken;
        let ended_within = recorded.begin.end < asked && recorded.end.start > since && recorded.end.end < asked;
        let expected = was_open || ended_within;
        assert!(
            found[number] == 1 || !expected && found[number] == 0,
            "{number} is there {} times: {recorded:?}",
            found[number]
        );
    }
}

/// Gives a row one of its candidates, if need be one that another row has and can do without.
fn matched(row: usize, candidates: &[Vec<usize>], row_of: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    candidates[row].iter().any(|&number| {
        if std::mem::replace(&mut seen[number], true) {
            return false;
        }
        let is_free = row_of[number].is_none_or(|other| matched(other, candidates, row_of, seen));
        if is_free {
            row_of[number] = Some(row);
        }
        is_free
    })
}

/// Three threads share slices on tracks; what a snapshot shows of these is what there was, several in a row and far apart.
#[test]
fn snapshots_have_no_wrong_slice_on_tracks() {
    for attempt in 0..5 {
        let _alone = alone();
        let session = builder(256 << 10).start().unwrap();
        let (log, nested, lanes) = (Log::default(), Open::default(), Open::default());
        let (spoken, over) = (Mutex::default(), AtomicBool::new(false));
        let mut snapshots = Vec::new();
        thread::scope(|scope| {
            for seed in 1..=3 {
                let (log, nested, lanes, spoken, over) = (&log, &nested, &lanes, &spoken, &over);
                scope.spawn(move || record(seed + 10 * attempt, log, nested, lanes, spoken, over));
            }
            for number in 0..6 {
                let until = session.stats().overwritten + if number % 3 == 2 { 0 } else { 4_000 };
                while session.stats().overwritten < until {
                    thread::sleep(Duration::from_millis(1));
                }
                let asked = now();
                let (trace, report) = snapshot(&session.recorder());
                snapshots.push((asked, trace, now(), report.lost()));
            }
            over.store(true, Ordering::Relaxed);
        });
        let log = log.0.into_inner().unwrap();
        let report = session.stop().unwrap();
        if report.lost() > 0 {
            // The system has stopped a thread within the ring, and the others came round: that is what other tests are about.
            continue;
        }
        for (asked, trace, taken, _) in &snapshots {
            let Some(loaded) = check(trace) else { return };
            assert_whole(&loaded, &log, *asked, *taken);
        }
        return;
    }
    panic!("something was dropped each time");
}

/// So many nanoseconds later than it was an end may be written: `WRITTEN_WITHIN_NS`.
const SHORTLY: i64 = 100_000;

/// What is open when a snapshot is taken, and ends just then, is open or ended there, not missing.
#[test]
fn a_slice_that_ends_while_a_snapshot_is_taken_is_there() {
    static LANES: Lanes = Lanes::new("flight-ends");
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let (over, ended) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut traces = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            // Each is open until its begin has been overwritten many times.
            while !over.load(Ordering::Relaxed) {
                let _open = slice!(track: &LANES, "flight", "long");
                (0..20_000).for_each(|_| instant!("flight", "filling"));
                ended.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..40 {
            let before = ended.load(Ordering::Relaxed);
            while ended.load(Ordering::Relaxed) < before + 1 {
                thread::yield_now();
            }
            traces.push((now(), snapshot(&session.recorder()).0));
        }
        over.store(true, Ordering::Relaxed);
    });
    drop(session);
    for (asked, trace) in traces {
        let Some(loaded) = check(&trace) else { return };
        let long = loaded.slices_named("long");
        let filling = loaded.slices_named("filling");
        let (first, last) = (filling[0].ts, filling[filling.len() - 1].ts);
        assert!(!long.is_empty() && long.iter().all(|row| row.depth == 0), "{long:?}");
        // At each moment one was open, but for that between two.
        let ends: Vec<_> = long.iter().map(|row| if row.dur == -1 { last } else { row.ts + row.dur }).collect();
        // What ended shortly before it was asked for or later is there, also where the system has stopped us until its end was overwritten.
        let since = first.min(asked - SHORTLY - STRAY);
        assert!(ends.iter().all(|&end| end >= since) && long[0].ts < first, "{long:?}, {first}, {asked}");
        let in_one = |ts| long.iter().zip(&ends).any(|(row, &end)| (row.ts..=end).contains(&ts));
        assert!(filling.iter().all(|row| in_one(row.ts)), "{long:?}");
    }
}
