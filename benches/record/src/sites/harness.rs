//! In each program that is generated: its call sites recorded hot, in random order, and with a cold cache. Prints ns per call.

const EVENTS: usize = 100_000;
/// More than the caches of one core, and much of what it shares.
const EVICT_LEN: usize = 128 << 20;
/// So many between two evictions.
const COLD_EVENTS: usize = 500;

pub fn run(sites: &[fn(u64)]) {
    if sites.is_empty() {
        return;
    }
    let first = time(sites.iter().copied());
    let hot = least(5, || time(std::iter::repeat_n(sites[0], EVENTS)));
    let mut random = Random(1);
    let unordered = least(5, || {
        let order: Vec<fn(u64)> = (0..EVENTS).map(|_| sites[random.below(sites.len())]).collect();
        time(order.into_iter())
    });
    let mut memory = vec![0_u8; EVICT_LEN];
    let cold = median((0..20).map(|_| {
        let order: Vec<fn(u64)> = (0..COLD_EVENTS).map(|_| sites[random.below(sites.len())]).collect();
        memory.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
        time(order.into_iter())
    }));
    println!("{first} {hot} {unordered} {cold}");
}

/// CPU of this thread per call, ns.
fn time(order: impl ExactSizeIterator<Item = fn(u64)>) -> f64 {
    let calls = order.len();
    let begin = cpu_ns();
    for (i, site) in order.enumerate() {
        site(i as u64 & 127);
    }
    (cpu_ns() - begin) as f64 / calls as f64
}

fn least(rounds: usize, mut f: impl FnMut() -> f64) -> f64 {
    (0..rounds).map(|_| f()).fold(f64::INFINITY, f64::min)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
