//! Where a thread writes the short way.
//!
//! A [`Desk`] has the window of a writer and, beside it, what its thread keeps: the [`Writer`] and all that a packet is made of. A thread has a [`Seat`], which is at a desk.
//!
//! * [`Seat::enter`] opens a packet, if the window is open: one instruction that marks the place as busy, and one comparison, which finds whether there is a chunk, whether it is still
//!   ours, whether it has room, and whether a packet is open already, of whoever this one has interrupted.
//! * [`Seat::occupy`] gives out all that is there, for whatever is rare. The window is closed meanwhile, so who interrupts that finds it closed, and that the desk is occupied.

use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::marker::PhantomData;
use std::slice;
use std::sync::atomic::compiler_fence;

use crate::barrier;
use crate::sync::{AtomicBool, LoadOwn as _, Ordering, const_but_in_models};
use crate::window::{ROOM, Window, is_busy};
use crate::writer::Writer;

/// What sits at a desk.
pub trait Sits {
    /// What it writes with, if that is at this desk and the short way may be gone.
    fn writer(&self) -> Option<&Writer>;
}

/// Where a thread writes. It lives as long as the process: whoever wants a chunk looks there.
#[repr(C, align(128))]
pub struct Desk<S, T> {
    window: Window,
    /// Of whoever sits here: who has interrupted it finds that.
    is_occupied: AtomicBool,
    /// Whether somebody sits here.
    is_taken: AtomicBool,
    /// Whether nobody ever does.
    is_closed: bool,
    /// What sits here: only its seat's thread comes here, with the place marked as busy, which it was not before, or with the desk occupied, which it was not before, and the window closed.
    /// There is something while the window is open.
    sitting: UnsafeCell<Option<T>>,
    shared: S,
}

// SAFETY: `sitting` is reached by the one seat that has the desk, on its thread, and is empty when the seat leaves it: it stays on one thread. All else is atomic, or shared as `S` can be.
unsafe impl<S: Sync, T> Sync for Desk<S, T> {}
// SAFETY: as above, and nobody sits at a desk that is moved.
unsafe impl<S: Send, T> Send for Desk<S, T> {}
// SAFETY: models move a seat when nobody uses it.
#[cfg(loom)]
unsafe impl<S, T> Send for Seat<S, T> {}

impl<S, T> Desk<S, T> {
    const_but_in_models! {
        /// A desk at which nobody sits. `shared` is for all who know the desk.
        #[must_use]
        pub fn new(shared: S) -> Self {
            Self::of(shared, false)
        }
    }

    const_but_in_models! {
        fn of(shared: S, is_closed: bool) -> Self {
            Self {
                window: Window::closed(),
                is_occupied: AtomicBool::new(false),
                is_taken: AtomicBool::new(false),
                is_closed,
                sitting: UnsafeCell::new(None),
                shared,
            }
        }
    }

    /// What all who know the desk see.
    #[inline(always)]
    pub fn shared(&self) -> &S {
        &self.shared
    }

    pub(crate) fn window(&self) -> &Window {
        &self.window
    }
}

impl<S, T> fmt::Debug for Desk<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("window", &self.window).finish_non_exhaustive()
    }
}

/// Where a seat is that is at no desk.
#[derive(Debug)]
pub struct NoDesk<S, T>(Desk<S, T>);

impl<S, T> NoDesk<S, T> {
    const_but_in_models! {
        /// `shared` is never looked at.
        #[must_use]
        pub fn new(shared: S) -> Self {
            Self(Desk::of(shared, true))
        }
    }
}

/// A thread's, at a desk or at none.
pub struct Seat<S: 'static, T: 'static> {
    /// One that lives for ever: no reference, since constants of Rust 1.85 have none to what changes.
    desk: Cell<*const Desk<S, T>>,
    on_its_thread: PhantomData<*mut ()>,
}

impl<S, T> Seat<S, T> {
    /// At none.
    #[must_use]
    pub const fn new(none: &'static NoDesk<S, T>) -> Self {
        Self { desk: Cell::new(&raw const none.0), on_its_thread: PhantomData }
    }

    /// The desk, be it none.
    #[inline(always)]
    fn at(&self) -> &'static Desk<S, T> {
        // SAFETY: each of the pointers that are stored there was made of a reference that lives for ever.
        unsafe { &*self.desk.get() }
    }

    /// Goes to a desk. Whether it could: nobody else is there, and we are at none.
    pub fn sit(&self, desk: &'static Desk<S, T>) -> bool {
        // Acquire: with the release of who left it.
        let sits = self.at().is_closed && !desk.is_closed && !desk.is_taken.swap(true, Ordering::Acquire);
        if sits {
            self.desk.set(desk);
        }
        sits
    }

    /// Its desk, if it is at one.
    pub fn desk(&self) -> Option<&'static Desk<S, T>> {
        Some(self.at()).filter(|desk| !desk.is_closed)
    }

    /// Opens a packet in the present chunk, if that is there, still ours, has [room](Writer::short_room) for it, and no packet is open: else it is to be done by a [`Writer`], at the [occupied](Self::occupy) desk.
    #[inline(always)]
    pub fn enter(&self) -> Option<Entered<S, T>> {
        self.enter_for(ROOM)
    }

    /// The same, for a packet of up to so many bytes, if there is room for it.
    #[inline(always)]
    pub fn enter_for(&self, room: usize) -> Option<Entered<S, T>> {
        let (desk, room) = (self.at(), room.max(ROOM));
        let at = desk.window.try_mark(room - ROOM)?;
        Some(Entered { desk, at, room, on_its_thread: PhantomData })
    }

    /// From now on no packet is opened the short way, until the long way has been gone: for a forked child, which then finds that it is one.
    pub fn close(&self) {
        self.at().window.close();
    }
}

impl<S, T: Sits> Seat<S, T> {
    /// Leaves the desk to another's seat. `None`, and it stays, when it is at none, while something sits there, and when a writer that was there lives on.
    pub fn leave(&self, none: &'static NoDesk<S, T>) -> Option<&'static Desk<S, T>> {
        let desk = self.desk()?;
        let mut occupied = self.occupy()?;
        if occupied.sitting().is_some() || desk.window.is_written.load(Ordering::Relaxed) {
            return None;
        }
        // Before anybody who interrupts us can sit there again.
        self.desk.set(&raw const none.0);
        drop(occupied);
        // Release: with the acquire of who comes next.
        desk.is_taken.store(false, Ordering::Release);
        Some(desk)
    }

    /// All that sits at the desk. `None` when the seat is at none, and while a packet is open, or the desk is occupied: then this has interrupted that.
    pub fn occupy(&self) -> Option<Occupied<'_, S, T>> {
        let desk = self.desk()?;
        // Not an exchange: who interrupts us in between gives it back.
        if desk.is_occupied.load_own() || is_busy(desk.window.own_at()) {
            return None;
        }
        desk.is_occupied.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        desk.window.close_own();
        // Who interrupts us from here on finds it occupied and closed.
        barrier::light_of_short();
        Some(Occupied { desk, on_its_thread: PhantomData })
    }
}

impl<S, T> fmt::Debug for Seat<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seat").field(self.at()).finish()
    }
}

/// A packet that is open, and what sits at the desk. Dropped without a commit, nothing of the packet remains.
///
/// It does not borrow the seat, whose owner can't leave the desk while a packet is open: so who has a seat in a thread-local asks for no more than this there.
pub struct Entered<S: 'static, T: 'static> {
    desk: &'static Desk<S, T>,
    at: *mut u8,
    /// How many bytes are free from there: at least [`ROOM`].
    room: usize,
    on_its_thread: PhantomData<*mut ()>,
}

impl<S, T> Entered<S, T> {
    /// The bytes of the packet, what sits at the desk, and what is for all.
    #[inline(always)]
    pub fn parts(&mut self) -> (&mut [u8; ROOM], &mut T, &'static S) {
        let (packet, sitting, shared) = self.parts_in_full();
        (packet.first_chunk_mut().unwrap_or_else(|| unreachable!("it has so many")), sitting, shared)
    }

    /// The same, with all bytes that there are [for it](Seat::enter_for).
    #[inline(always)]
    pub fn parts_in_full(&mut self) -> (&mut [u8], &mut T, &'static S) {
        // SAFETY: the window was open when the place was marked, so the chunk is its writer's, nobody ends it while we are busy, and so many bytes are free from there: nobody reads behind
        // what was committed, or before the words at the end.
        let packet = unsafe { slice::from_raw_parts_mut(self.at, self.room) };
        // SAFETY: ours alone while the place is busy, which it was not before.
        let sitting = unsafe { &mut *self.desk.sitting.get() };
        // SAFETY: the window was open, so there is something.
        (packet, unsafe { sitting.as_mut().unwrap_unchecked() }, &self.desk.shared)
    }

    /// The chunk, and how many packets are before this one.
    #[cfg(all(test, loom))]
    pub(crate) fn place(&mut self, writer: impl Fn(&T) -> &Writer) -> (u32, usize) {
        let packets = self.desk.window.packets.load_own() as usize;
        (writer(self.parts().1).index(), packets)
    }

    /// The packet is `len` bytes, at least one: the first ones of its bytes. They can be read from now on.
    ///
    /// # Panics
    ///
    /// When it is longer than that, or empty.
    #[inline(always)]
    pub fn commit(self, len: usize) {
        assert!(len > 0 && len <= self.room, "the packet is larger than its space, or empty");
        let this = std::mem::ManuallyDrop::new(self);
        fetch_ahead(this.at);
        if this.room > ROOM {
            // As much as was written.
            (LINE..len.min(MOST_AHEAD)).step_by(LINE).for_each(|line| fetch_ahead(this.at.wrapping_add(line)));
        }
        // SAFETY: within the chunk, or its end: so many bytes were free.
        this.desk.window.commit(unsafe { this.at.add(len) });
    }
}

/// What is fetched at once.
const LINE: usize = 64;

/// What is fetched with a long packet: the next one may be short.
const MOST_AHEAD: usize = 1024;

/// Has the memory fetched that packets will be written to soon, where the processor can be told to: a ring that is not in its caches would be waited for, since a packet's stores
/// pile up sooner than the processor sees by itself where they lead. Where the chunk ends before, it is another's, and some lines of that are fetched for nothing.
#[inline(always)]
fn fetch_ahead(at: *mut u8) {
    #[cfg(all(target_arch = "x86_64", not(loom)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        /// 17 to 30 packets: with half of that some is waited for still, with twice that nothing more is gained.
        const AHEAD: usize = 512;
        // SAFETY: a hint, which reads nothing, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD).cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(loom))))]
    let _ = at;
}

impl<S, T: Sits> Entered<S, T> {
    /// Adds a word to those at the end of the chunk, read behind those that are there. It stays also where no packet is committed. False, and it has to be added the [long way](crate::Space::commit_with),
    /// where there is no room set aside for more: each time the window is opened that is so for as many words as the chunk has 512 bytes.
    pub fn add_word(&mut self, word: u32) -> bool {
        let window = &self.desk.window;
        self.parts().1.writer().filter(|writer| writer.is_at(window)).is_some_and(|writer| writer.add_short_word(word))
    }
}

impl<S, T> Drop for Entered<S, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // What was written and not committed comes before what the next owner of the chunk writes.
        self.desk.window.set_at(self.at);
    }
}

impl<S, T> fmt::Debug for Entered<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entered").field(self.desk).finish()
    }
}

/// A desk that is occupied: what sits there may write, come and go. When this is dropped, the window is opened for what has come to sit there.
pub struct Occupied<'s, S: 'static, T: Sits + 'static> {
    desk: &'static Desk<S, T>,
    on_its_thread: PhantomData<&'s Seat<S, T>>,
}

impl<S, T: Sits> Occupied<'_, S, T> {
    /// What sits there.
    pub fn sitting(&mut self) -> &mut Option<T> {
        // SAFETY: ours alone while the desk is occupied, which it was not before, and the window is closed.
        unsafe { &mut *self.desk.sitting.get() }
    }
}

impl<S, T: Sits> Drop for Occupied<'_, S, T> {
    fn drop(&mut self) {
        let desk = self.desk;
        // Asked before: it may do what it wants.
        let writer = self.sitting().as_ref().and_then(Sits::writer).filter(|writer| writer.is_at(&desk.window));
        // Who interrupts us from here on finds a packet open.
        let at = desk.window.mark();
        if let Some(writer) = writer {
            writer.open();
        }
        barrier::light_of_short();
        desk.is_occupied.store(false, Ordering::Relaxed);
        desk.window.set_at(at);
    }
}

impl<S, T: Sits> fmt::Debug for Occupied<'_, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Occupied").field(self.desk).finish()
    }
}
