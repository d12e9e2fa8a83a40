//! Ways to find the thread's own state.

use std::arch::asm;
use std::cell::{Cell, RefCell};
use std::hint::black_box;

use super::{Case, compare};
use crate::clock;
use crate::options::PartsOptions;

const ROUNDS: u64 = 2_000_000;

#[derive(Default)]
struct State {
    events: u64,
}

/// Its destructor makes the thread-local register itself at first use.
struct Owner(Box<Cell<u64>>);

impl Drop for Owner {
    fn drop(&mut self) {
        black_box(self.0.get());
    }
}

thread_local! {
    static POINTER: Cell<*mut State> = const { Cell::new(std::ptr::null_mut()) };
    #[expect(clippy::missing_const_for_thread_local, reason = "what is measured is the lazy form")]
    static LAZY: Cell<*mut State> = Cell::new(black_box(std::ptr::null_mut()));
    static VALUE: Cell<u64> = const { Cell::new(0) };
    static OWNER: Owner = Owner(Box::default());
    static BORROWED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

pub fn run(options: &PartsOptions) {
    let state = Box::into_raw(Box::<State>::default());
    POINTER.set(state);
    LAZY.set(state);
    BORROWED.with_borrow_mut(|events| events.push(0));
    let mut key = 0;
    // SAFETY: `key` may be written; the state is never freed.
    unsafe {
        assert_eq!(libc::pthread_key_create(&mut key, None), 0);
        assert_eq!(libc::pthread_setspecific(key, state.cast()), 0);
    }
    // SAFETY: in all of these: `state` is this thread's, and nobody else holds a reference.
    let count = |state: *mut State| unsafe { (*state).events += 1 };
    let cases = vec![
        case("an argument, no thread-local", || count(black_box(state))),
        case("thread_local!, const, a pointer", || {
            let state = POINTER.get();
            if !state.is_null() {
                count(state);
            }
        }),
        case("thread_local!, const, the value itself", || VALUE.set(VALUE.get() + 1)),
        case("thread_local!, lazy, a pointer", || count(LAZY.get())),
        case("thread_local!, lazy, with a destructor", || OWNER.with(|owner| owner.0.set(owner.0.get() + 1))),
        case("thread_local!, const, RefCell<Vec>", || BORROWED.with_borrow_mut(|events| events[0] += 1)),
        // SAFETY: the key holds the state.
        case("pthread_getspecific", || count(unsafe { libc::pthread_getspecific(key) }.cast())),
        case("the thread pointer (fs:0) and a table", || {
            let thread: usize;
            // SAFETY: the first word at fs is its own address, by the ABI.
            unsafe { asm!("mov {}, fs:0", out(reg) thread, options(nostack, readonly)) };
            black_box(thread);
            count(state);
        }),
    ];
    compare("Thread-local state, ns per access", &["alone", "beside rdtsc"], options.rounds, cases);
}

fn case<'a>(name: &str, mut access: impl FnMut() + 'a) -> Case<'a> {
    Case::new(name, move || {
        let alone = timed(|| {
            access();
            forget_what_is_known();
        });
        let beside = timed(|| {
            access();
            black_box(clock::ticks());
            forget_what_is_known();
        });
        vec![alone, beside]
    })
}

/// Memory may have changed: nothing is kept in registers from one round to the next.
#[inline(always)]
fn forget_what_is_known() {
    // SAFETY: no instruction.
    unsafe { asm!("", options(nostack)) };
}

#[inline(always)]
fn timed(mut access: impl FnMut()) -> f64 {
    let begin = clock::thread_cpu_ns();
    (0..ROUNDS).for_each(|_| access());
    (clock::thread_cpu_ns() - begin) as f64 / ROUNDS as f64
}
