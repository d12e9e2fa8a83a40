//! The four ways. Each says what a thread does to open and to commit an event, and what a reclaimer does to take the
//! chunk from a thread that may be idle, asleep or in the middle of an event.

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence};

use super::region::{Slot, Word};

pub trait Ownership: Sync + 'static {
    /// A chunk that was taken may be reused only when its thread holds another.
    const QUARANTINE: bool = false;

    /// Before the first byte of an event. `held` is what the thread last committed. False: the chunk is gone.
    fn open(slot: &Slot, held: Word) -> bool;
    /// After the last byte. False: the chunk was taken in between and the event has to be written again.
    fn commit(slot: &Slot, held: Word, new: Word) -> bool;
    /// The thread takes a new chunk. Called with the event open.
    fn hold(slot: &Slot, new: Word) {
        slot.word.store(new.0 | Word::BUSY, Ordering::Release);
    }
    /// The thread gives its chunk up, complete. Called with the event open. False: it was taken in between.
    fn give_up(slot: &Slot, _held: Word) -> bool {
        slot.word.store(Word::NONE.0, Ordering::Release);
        true
    }
    /// Takes the chunk of a thread that has no event open.
    fn reclaim(slot: &Slot) -> Option<Word>;
    /// Once per process, before the first reclaim.
    fn prepare() {}
}

/// An exchange to busy at the start, a release store at the end. The reclaimer compares and exchanges an idle word.
pub struct ByExchange;

impl Ownership for ByExchange {
    #[inline(always)]
    fn open(slot: &Slot, held: Word) -> bool {
        // Acquire pairs with the reclaimer's exchange. What is lost when the chunk was taken is nothing: the reclaimer
        // has the word that it took.
        slot.word.swap(held.0 | Word::BUSY, Ordering::Acquire) == held.0
    }
    #[inline(always)]
    fn commit(slot: &Slot, _held: Word, new: Word) -> bool {
        // Release: the packet's bytes come before. Pairs with the loads of the drain and of `reclaim`.
        slot.word.store(new.0, Ordering::Release);
        true
    }
    fn reclaim(slot: &Slot) -> Option<Word> {
        take_idle(slot)
    }
}

fn take_idle(slot: &Slot) -> Option<Word> {
    let word = slot.word.load(Ordering::Relaxed);
    if word & Word::BUSY != 0 || word == Word::NONE.0 {
        return None;
    }
    slot.word.compare_exchange(word, Word::NONE.0, Ordering::AcqRel, Ordering::Relaxed).is_ok().then_some(Word(word))
}

/// Plain stores. The reclaimer asks in a second word, makes every running thread pass a full barrier with
/// membarrier(2), and looks whether an event is open. Both settle a tie by one compare and exchange on the second word.
pub struct ByMembarrier;

const NOTHING: u32 = 0;
const ASKED: u32 = 1;
const TAKEN: u32 = 2;

static REGISTERED: AtomicBool = AtomicBool::new(false);

impl Ownership for ByMembarrier {
    #[inline(always)]
    fn open(slot: &Slot, held: Word) -> bool {
        slot.word.store(held.0 | Word::BUSY, Ordering::Relaxed);
        // The store above stays before the load below: for the compiler by this, for the processor by membarrier(2).
        compiler_fence(Ordering::SeqCst);
        slot.claim.load(Ordering::Relaxed) == NOTHING || refuse(slot)
    }
    #[inline(always)]
    fn commit(slot: &Slot, _held: Word, new: Word) -> bool {
        // Release: the packet's bytes come before.
        slot.word.store(new.0, Ordering::Release);
        true
    }
    fn hold(slot: &Slot, new: Word) {
        slot.word.store(new.0 | Word::BUSY, Ordering::Release);
        // Only a thread whose chunk was taken finds TAKEN here; the reclaimer starts again after it.
        let _ = slot.claim.compare_exchange(TAKEN, NOTHING, Ordering::Release, Ordering::Relaxed);
    }
    fn reclaim(slot: &Slot) -> Option<Word> {
        let idle = slot.word.load(Ordering::Relaxed) & Word::BUSY == 0;
        if !idle || slot.claim.compare_exchange(NOTHING, ASKED, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return None;
        }
        barrier();
        let word = slot.word.load(Ordering::Acquire);
        let (free, next) = if word & Word::BUSY == 0 && word != 0 { (true, TAKEN) } else { (false, NOTHING) };
        let settled = slot.claim.compare_exchange(ASKED, next, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        (free && settled).then_some(Word(word))
    }
    fn prepare() {
        if !REGISTERED.swap(true, Ordering::Relaxed) {
            membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        }
    }
}

/// The thread's answer to being asked: whoever changes the claim first wins.
#[cold]
#[inline(never)]
fn refuse(slot: &Slot) -> bool {
    match slot.claim.compare_exchange(ASKED, NOTHING, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) | Err(NOTHING) => true,
        Err(_) => false,
    }
}

pub fn barrier() {
    membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

fn membarrier(command: libc::c_int) {
    // SAFETY: membarrier takes no pointers.
    let result = unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) };
    assert_eq!(result, 0, "membarrier");
}

/// Nothing at the start; a compare and exchange at the end tells whether the chunk is still held. A chunk that was
/// taken may be read up to what is committed, but not used again before its thread has noticed: an idle thread pins
/// its room, and who is in the middle of an event cannot be told.
pub struct ByCompareAtCommit;

impl Ownership for ByCompareAtCommit {
    const QUARANTINE: bool = true;

    #[inline(always)]
    fn open(_slot: &Slot, _held: Word) -> bool {
        true
    }
    #[inline(always)]
    fn commit(slot: &Slot, held: Word, new: Word) -> bool {
        // Release: the packet's bytes come before.
        slot.word.compare_exchange(held.0, new.0, Ordering::Release, Ordering::Relaxed).is_ok()
    }
    fn hold(slot: &Slot, new: Word) {
        slot.word.store(new.0, Ordering::Release);
    }
    fn give_up(slot: &Slot, held: Word) -> bool {
        slot.word.compare_exchange(held.0, Word::NONE.0, Ordering::Release, Ordering::Relaxed).is_ok()
    }
    fn reclaim(slot: &Slot) -> Option<Word> {
        take_idle(slot)
    }
}

/// A release store at the end and nothing else: no chunk can be taken. It is the least that any way can cost.
pub struct ByCooperation;

impl Ownership for ByCooperation {
    #[inline(always)]
    fn open(_slot: &Slot, _held: Word) -> bool {
        true
    }
    #[inline(always)]
    fn commit(slot: &Slot, _held: Word, new: Word) -> bool {
        // Release: the packet's bytes come before.
        slot.word.store(new.0, Ordering::Release);
        true
    }
    fn hold(slot: &Slot, new: Word) {
        slot.word.store(new.0, Ordering::Release);
    }
    fn reclaim(_slot: &Slot) -> Option<Word> {
        None
    }
}
