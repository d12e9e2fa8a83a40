//! Fixed memory that many threads fill, chunk by chunk, while another reads.
//!
//! It knows nothing of what is in it: packets are bytes.
//!
//! # Guarantees
//!
//! * Memory is taken and touched when the ring is made. Nothing is allocated later, and nothing grows.
//! * A writer never waits, neither for a reader nor for another writer. Where there is no room it is told so.
//! * A chunk has one owner at a time, and no byte is read while it can be written: see [`design`](#design).
//! * What was committed is read once, in the order in which its writer committed it; or, where chunks are written over, it is
//!   counted: committed = read + [overwritten](Ring::overwritten).
//! * The newest chunks of a ring that is written over can be kept, as they were at one instant, and read as often as is wanted,
//!   while writers go on: [`History`].
//! * A chunk that a writer holds between two packets can be taken from it, so an idle thread pins nothing.
//!
//! # Example
//!
//! ```
//! use pftrace_ring::{Config, Policy, Reader, Ring};
//!
//! let ring = Ring::new(Config { chunk_len: 4096, chunks: 16, policy: Policy::Keep, writers: 100 })?;
//! let mut writer = ring.writer().unwrap();
//! writer.take();
//!
//! let mut space = writer.begin().unwrap();
//! space.bytes()[..5].copy_from_slice(b"hello");
//! space.commit(5);
//!
//! let mut reader = Reader::new(&ring);
//! reader.complete_idle();
//! let chunk = reader.next_chunk().unwrap();
//! assert_eq!((chunk.bytes(), chunk.packets(), chunk.owner()), (&b"hello"[..], 1, writer.owner()));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Design
//!
//! Each chunk has a word of 64 bits: its state, its owner, and, once it is ended, how much is in it. Each writer has a window: where its next packet goes, and how far it may go. A
//! packet begins with an instruction that marks the place as busy, and a look at the window's end, or at the word; it ends with a store of the next place. Whoever wants a chunk that its owner
//! has left idle marks the word, closes the window, and has all threads pass a barrier before it looks at the place: so either sees the other, and the owner pays for no barrier. Nobody waits.
//!
//! # The short way
//!
//! What records often sits at a [`Desk`]:
//!
//! ```
//! use pftrace_ring::{Config, Desk, NoDesk, Policy, Reader, Ring, Seat, Sits, Writer};
//!
//! struct Pen(Writer);
//!
//! impl Sits for Pen {
//!     fn writer(&self) -> Option<&Writer> {
//!         Some(&self.0)
//!     }
//! }
//!
//! static NONE: NoDesk<(), Pen> = NoDesk::new(());
//! thread_local! {
//!     static SEAT: Seat<(), Pen> = const { Seat::new(&NONE) };
//! }
//!
//! let ring = Ring::new(Config { chunk_len: 4096, chunks: 16, policy: Policy::Keep, writers: 100 })?;
//! SEAT.with(|seat| {
//!     assert!(seat.enter().is_none());
//!     // The long way: once, and each time that there is no chunk, or it has no room.
//!     let desk = Box::leak(Box::new(Desk::new(())));
//!     assert!(seat.sit(desk));
//!     let mut writer = ring.writer_at(seat).unwrap();
//!     writer.take();
//!     *seat.occupy().unwrap().sitting() = Some(Pen(writer));
//!     // The short way.
//!     let mut packet = seat.enter().unwrap();
//!     let (bytes, _pen, ()) = packet.parts();
//!     bytes[..5].copy_from_slice(b"hello");
//!     // What the chunk says besides, at its end: where that can't be done here, the long way.
//!     assert!(packet.add_word(7));
//!     packet.commit(5);
//!     // One that is longer than most.
//!     let mut long = seat.enter_for(1_000).unwrap();
//!     long.parts_in_full().0.fill(b'!');
//!     long.commit(1_000);
//! });
//! let mut reader = Reader::new(&ring);
//! reader.complete_idle();
//! let chunk = reader.next_chunk().unwrap();
//! assert_eq!((&chunk.bytes()[..7], chunk.bytes().len()), (&b"hello!!"[..], 1_005));
//! assert!(chunk.words().eq([7]));
//! # Ok::<(), std::io::Error>(())
//! ```

mod barrier;
mod claim;
mod desk;
mod history;
mod lists;
mod process;
mod reader;
mod region;
mod ring;
mod sync;
mod window;
mod word;
mod words;
mod writer;

pub use desk::{Desk, Entered, NoDesk, Occupied, Seat, Sits};
pub use history::History;
#[cfg(unix)]
pub use process::spawn_bare;
pub use process::{at_exit, at_fork, without_signals};
#[cfg(target_os = "linux")]
pub use process::{send, thread_id};
pub use reader::{Chunk, Reader, Reading};
pub use ring::{Config, Policy, Ring};
pub use window::ROOM;
pub use word::{MAX_CHUNK_LEN, MAX_TAIL, Owner};
pub use writer::{NoChunk, Space, Writer};

#[cfg(all(test, loom))]
mod models;
