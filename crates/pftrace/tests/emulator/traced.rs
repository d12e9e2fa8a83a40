//! The trace of a run, as the real trace processor reads it, against what another observer of the same run saw.

use pftrace_testkit::{Arg, Loaded, Slice, TraceProcessor, check};

use crate::asm;
use crate::calls::{Call, CallKind, Leave};
use crate::cpu::{Cpu, Interrupt};
use crate::machine::{Machine, Port, Stop, nanoseconds};
use crate::observer::{Counter, Instruction, Observer};
use crate::trace::Tracer;

/// Everything that happened, in cycles.
#[derive(Default)]
struct Seen {
    calls: Vec<SeenCall>,
    /// Which of the calls are open.
    open: Vec<usize>,
    instructions: Vec<Instruction>,
    interrupts: Vec<(u64, &'static str)>,
    ports: Vec<(u64, Port, u8)>,
    counters: Vec<(u64, Counter, u64)>,
    frames: Vec<u64>,
    /// When a frame begins or an interrupt is taken.
    marks: Vec<u64>,
    stop: Option<Stop>,
    end: u64,
}

struct SeenCall {
    began: u64,
    ended: u64,
    depth: i64,
    name: String,
    kind: CallKind,
    entry: u16,
    return_address: u16,
    bank: Option<u8>,
}

impl Observer for Seen {
    fn enter(&mut self, cycles: u64, call: &Call<'_>) {
        let &Call { kind, entry, return_address, bank, .. } = call;
        let (name, depth) = (call.name().into_owned(), self.open.len() as i64);
        self.open.push(self.calls.len());
        self.calls.push(SeenCall { began: cycles, ended: cycles, depth, name, kind, entry, return_address, bank });
    }

    fn leave(&mut self, cycles: u64, _: &Call<'_>, _: Leave) {
        let call = self.open.pop().unwrap();
        self.calls[call].ended = cycles;
    }

    fn instruction(&mut self, instruction: &Instruction, _: &Cpu) {
        self.instructions.push(*instruction);
    }

    fn interrupt(&mut self, cycles: u64, kind: Interrupt) {
        self.interrupts.push((cycles, kind.as_str()));
        self.marks.push(cycles);
    }

    fn port_write(&mut self, cycles: u64, port: Port, value: u8) {
        self.ports.push((cycles, port, value));
    }

    fn counter(&mut self, cycles: u64, counter: Counter, value: u64) {
        self.counters.push((cycles, counter, value));
    }

    fn frame(&mut self, cycles: u64, _: u64) {
        self.frames.push(cycles);
        self.marks.push(cycles);
    }
}

#[test]
fn the_trace_is_what_happened() {
    let (seen, bytes) = run(10_000_000);
    assert_eq!(seen.stop, Some(Stop::Exit(0)));
    let switches = seen.ports.iter().filter(|(_, port, _)| *port == Port::Bank).count();
    assert!(seen.calls.len() > 1000 && seen.marks.len() > 100 && switches > 10, "{switches}");
    let counts = |which| seen.counters.iter().any(|(_, counter, _)| *counter == which);
    assert!((0..3).all(|gauge| counts(Counter::Gauge(gauge))) && counts(Counter::IrqLatency));
    // All judges would take minutes for 400 000 packets: here is the one that shows them.
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(&bytes).unwrap();
    drop(processor);
    assert_eq!((loaded.cut(), loaded.complaints()), ("", &[][..]));
    compare(&loaded, &seen);
}

#[test]
fn all_judges_find_a_short_run_sound() {
    let (seen, bytes) = run(70_000);
    assert_eq!(seen.stop, Some(Stop::CycleLimit));
    // It ends in the middle of a line, which is in the trace all the same.
    assert!(matches!(seen.ports.last(), Some((_, Port::Console, character)) if *character != b'\n'));
    if let Some(loaded) = check(&bytes) {
        compare(&loaded, &seen);
    }
}

fn run(max_cycles: u64) -> (Seen, Vec<u8>) {
    let program = asm::assemble(include_str!("../../examples/emulator/program.s")).unwrap();
    let mut machine = Machine::new(&program).unwrap();
    let mut seen = Seen::default();
    let mut both = (&mut seen, Tracer::new(Vec::new()).unwrap());
    let stop = machine.run(max_cycles, &mut both);
    let bytes = both.1.finish().unwrap();
    (seen.stop, seen.end) = (Some(stop), machine.cycles());
    (seen, bytes)
}

fn compare(loaded: &Loaded, seen: &Seen) {
    let names: Vec<_> = loaded.processes.values().map(|process| (process.pid, process.name.as_deref())).collect();
    assert_eq!(names, [(1, Some("6502"))]);
    assert!(loaded.tracks.values().all(|track| track.upid.is_some() || track.utid.is_some()), "{:#?}", loaded.tracks);
    calls(loaded, seen);
    instructions(loaded, seen);
    ports(loaded, seen);
    banks(loaded, seen);
    console(loaded, seen);
    counters(loaded, seen);
    let frames: Vec<_> = on(loaded, "frames").map(|slice| (slice.ts, slice.args["debug.frame"].clone())).collect();
    let expected = seen.frames.iter().zip(0..).map(|(cycles, number)| (ns(*cycles), Arg::Uint(number)));
    assert_eq!(frames, expected.collect::<Vec<_>>());
}

/// The slices of a track, as they began.
fn on<'l>(loaded: &'l Loaded, track: &str) -> impl Iterator<Item = &'l Slice> {
    let first = loaded.slices.iter().find(|slice| loaded.track_name(slice).as_deref() == Some(track));
    let id = first.map(|slice| slice.track);
    loaded.slices.iter().filter(move |slice| Some(slice.track) == id)
}

fn ns(cycles: u64) -> i64 {
    nanoseconds(cycles) as i64
}

fn pointer(slice: &Slice, name: &str) -> u64 {
    match slice.args.get(&format!("debug.{name}")) {
        Some(Arg::Pointer(value)) => *value,
        other => panic!("{name} is {other:?}: {slice:#?}"),
    }
}

fn uint(slice: &Slice, name: &str) -> Option<u64> {
    match slice.args.get(&format!("debug.{name}")) {
        Some(Arg::Uint(value)) => Some(*value),
        None => None,
        Some(other) => panic!("{name} is {other:?}: {slice:#?}"),
    }
}

/// Each call of each routine is a slice, as deep as it was called; interrupts are instants among them.
fn calls(loaded: &Loaded, seen: &Seen) {
    let (interrupts, calls): (Vec<_>, Vec<_>) =
        on(loaded, "cpu").partition(|slice| matches!(slice.name.as_deref(), Some("IRQ" | "NMI")));
    let interrupts: Vec<_> = interrupts.iter().map(|slice| (slice.ts, slice.dur, slice.name.as_deref())).collect();
    let expected = seen.interrupts.iter().map(|(cycles, kind)| (ns(*cycles), 0, Some(*kind)));
    assert_eq!(interrupts, expected.collect::<Vec<_>>());

    assert_eq!(calls.len(), seen.calls.len());
    for (slice, call) in calls.into_iter().zip(&seen.calls) {
        let (began, ended) = (ns(call.began), ns(call.ended));
        let found = (slice.name.as_deref(), slice.depth, slice.ts, slice.dur);
        assert_eq!(found, (Some(call.name.as_str()), call.depth, began, ended - began), "{slice:#?}");
        let addresses = (pointer(slice, "entry"), pointer(slice, "returns to"));
        assert_eq!(addresses, (call.entry.into(), call.return_address.into()));
        assert_eq!(uint(slice, "bank"), call.bank.map(u64::from));
        let category = match call.kind {
            CallKind::Reset => "reset",
            CallKind::Jsr | CallKind::Tail => "function",
            CallKind::Brk | CallKind::Irq | CallKind::Nmi => "interrupt",
        };
        assert_eq!(slice.category.as_deref(), Some(category));
    }
}

fn instructions(loaded: &Loaded, seen: &Seen) {
    let slices: Vec<_> = on(loaded, "instructions").collect();
    assert_eq!(slices.len(), seen.instructions.len());
    for (slice, instruction) in slices.into_iter().zip(&seen.instructions) {
        let Instruction { executed, bank, cycles_before, cycles_after } = instruction;
        let (began, ended) = (ns(*cycles_before), ns(*cycles_after));
        let found = (slice.name.as_deref(), slice.depth, slice.ts, slice.dur);
        assert_eq!(found, (Some(executed.mnemonic.as_str()), 0, began, ended - began), "{slice:#?}");
        let found = (pointer(slice, "pc"), pointer(slice, "opcode"), uint(slice, "bank"));
        assert_eq!(found, (executed.pc.into(), executed.opcode.into(), bank.map(u64::from)), "{slice:#?}");
    }
}

fn ports(loaded: &Loaded, seen: &Seen) {
    let found: Vec<_> = (on(loaded, "ports"))
        .map(|slice| (slice.ts, slice.dur, slice.name.as_deref(), uint(slice, "value"), uint(slice, "gauge")))
        .collect();
    let expected = seen.ports.iter().map(|&(cycles, port, value)| {
        let gauge = if let Port::Gauge(number) = port { Some(number.into()) } else { None };
        (ns(cycles), 0, Some(port.as_str()), Some(value.into()), gauge)
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

/// One bank follows the other, from the reset to the end.
fn banks(loaded: &Loaded, seen: &Seen) {
    let switches = seen.ports.iter().filter(|(_, port, _)| *port == Port::Bank).map(|(at, _, bank)| (*at, *bank));
    let switches: Vec<_> = std::iter::once((0, 0)).chain(switches).collect();
    let ends = switches.iter().skip(1).map(|(at, _)| *at).chain([seen.end]);
    let expected: Vec<_> =
        switches.iter().zip(ends).map(|((at, bank), end)| (ns(*at), ns(end), format!("bank {bank}"))).collect();
    let found: Vec<_> =
        on(loaded, "ROM bank").map(|slice| (slice.ts, slice.ts + slice.dur, slice.name.clone().unwrap())).collect();
    assert_eq!(found, expected);
}

fn console(loaded: &Loaded, seen: &Seen) {
    let printed = seen.ports.iter().filter(|(_, port, _)| *port == Port::Console);
    let printed: String = printed.map(|(_, _, character)| char::from(*character)).collect();
    let expected: Vec<_> = printed.lines().filter(|line| !line.is_empty()).collect();
    let found: Vec<_> = on(loaded, "console").map(|slice| slice.name.as_deref().unwrap()).collect();
    assert_eq!(found, expected);
}

fn counters(loaded: &Loaded, seen: &Seen) {
    let cycles = loaded.counter_values("cycles");
    assert_eq!(cycles, seen.marks.iter().map(|cycles| (ns(*cycles), *cycles as f64)).collect::<Vec<_>>());
    assert!(cycles.is_sorted_by(|a, b| a.1 <= b.1));

    assert_eq!(unit(loaded, "cycles").as_deref(), Some("cycles"));

    let named = [
        ("stack", "bytes", Counter::StackBytes),
        ("IRQ latency", "cycles", Counter::IrqLatency),
        ("primes found", "count", Counter::Gauge(0)),
        ("disks moved", "count", Counter::Gauge(1)),
        ("frames seen", "count", Counter::Gauge(2)),
    ];
    for (name, expected_unit, counter) in named {
        let expected = seen.counters.iter().filter(|(_, which, _)| *which == counter);
        let expected: Vec<_> = expected.map(|(cycles, _, value)| (ns(*cycles), *value as f64)).collect();
        assert_eq!(loaded.counter_values(name), expected, "{name}");
        // A counter without values is not shown.
        assert_eq!(unit(loaded, name).as_deref(), (!expected.is_empty()).then_some(expected_unit), "{name}");
    }
}

fn unit(loaded: &Loaded, counter: &str) -> Option<String> {
    let mut tracks = loaded.tracks.values();
    tracks.find(|track| track.name.as_deref() == Some(counter)).and_then(|track| track.unit.clone())
}
