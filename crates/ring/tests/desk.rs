//! A desk is one thread's, and one packet's at a time.
#![cfg(not(loom))]

use std::sync::Mutex;

use pftrace_ring::{Config, Desk, NoDesk, Policy, ROOM, Reader, Ring, Seat, Sits, Writer};

struct Pen {
    writer: Writer,
    /// How often it has written.
    packets: u32,
}

impl Sits for Pen {
    fn writer(&self) -> Option<&Writer> {
        Some(&self.writer)
    }
}

type PenDesk = Desk<(), Pen>;
static NONE: NoDesk<(), Pen> = NoDesk::new(());

/// Has a writer that can be taken from it.
struct Holder(Option<Writer>);

impl Sits for Holder {
    fn writer(&self) -> Option<&Writer> {
        self.0.as_ref()
    }
}

fn ring() -> Ring {
    Ring::new(Config { chunk_len: 4096, chunks: 8, policy: Policy::Keep, writers: 8 }).unwrap()
}

/// Some memory, for ever.
fn desk() -> &'static PenDesk {
    static ALL: Mutex<Vec<&PenDesk>> = Mutex::new(Vec::new());
    let desk = &*Box::leak(Box::new(Desk::new(())));
    ALL.lock().unwrap().push(desk);
    desk
}

fn pen(mut writer: Writer) -> Pen {
    assert!(writer.take());
    Pen { writer, packets: 0 }
}

fn seat(ring: &Ring) -> Seat<(), Pen> {
    let (seat, desk) = (Seat::new(&NONE), desk());
    assert!(seat.sit(desk));
    *seat.occupy().unwrap().sitting() = ring.writer_at(&seat).map(pen);
    seat
}

/// Writes a number the short way. Whether it could.
fn write(seat: &Seat<(), Pen>, number: u32) -> bool {
    let Some(mut entered) = seat.enter() else { return false };
    let (bytes, pen, ()) = entered.parts();
    pen.packets += 1;
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    entered.commit(4);
    true
}

/// What has been written and not read yet.
fn read(ring: &Ring) -> Vec<u32> {
    let mut reader = Reader::new(ring);
    assert_eq!(reader.complete_idle(), 0, "nobody is within a packet");
    let chunks = std::iter::from_fn(|| Some(reader.next_chunk()?.bytes().to_vec()));
    let bytes: Vec<u8> = chunks.flatten().collect();
    bytes.chunks(4).map(|number| u32::from_le_bytes(number.try_into().unwrap())).collect()
}

#[test]
fn a_packet_within_a_packet_is_refused() {
    let ring = ring();
    let seat = seat(&ring);
    let mut entered = seat.enter().unwrap();
    assert!(seat.enter().is_none() && seat.occupy().is_none());
    entered.parts().0[..4].copy_from_slice(&7_u32.to_le_bytes());
    assert!(!write(&seat, 8));
    entered.commit(4);
    assert!(write(&seat, 9));
    // Nothing remains of what is not committed.
    seat.enter().unwrap().parts().0.fill(0xff);
    assert!(write(&seat, 10));
    let mut occupied = seat.occupy().unwrap();
    assert!(seat.enter().is_none() && seat.occupy().is_none());
    assert_eq!(occupied.sitting().as_ref().unwrap().packets, 2);
    drop(occupied);
    assert!(write(&seat, 11));
    assert_eq!(read(&ring), [7, 9, 10, 11]);
    assert!(!write(&seat, 12), "its chunk was taken away");
    assert!(seat.occupy().unwrap().sitting().as_mut().unwrap().writer.take());
    assert!(write(&seat, 13));
}

#[test]
fn what_is_closed_is_opened_by_the_long_way() {
    let ring = ring();
    let seat = seat(&ring);
    assert!(write(&seat, 1));
    seat.close();
    assert!(!write(&seat, 2));
    drop(seat.occupy().unwrap());
    assert!(write(&seat, 3));
    // So is one in which the room is used up, not.
    let short_room = seat.occupy().unwrap().sitting().as_ref().unwrap().writer.short_room();
    let written = (4..).take_while(|&number| write(&seat, number)).count();
    assert_eq!(written, (4096 - short_room) / 4 + 1 - 2);
    drop(seat.occupy().unwrap());
    assert!(!write(&seat, 0));
    assert_eq!(read(&ring).len(), written + 2);
}

/// As large as the room that is left beside that of the words, and no larger.
#[test]
fn a_long_packet_has_room_or_is_refused() {
    let ring = ring();
    let seat = seat(&ring);
    let short_room = seat.occupy().unwrap().sitting().as_ref().unwrap().writer.short_room();
    let words = (short_room - ROOM) / 4;
    for len in [ROOM - 1, ROOM, ROOM + 1, 1_000] {
        let mut entered = seat.enter_for(len).unwrap();
        let bytes = entered.parts_in_full().0;
        assert_eq!(bytes.len(), len.max(ROOM));
        bytes.fill(1);
        entered.commit(len);
    }
    let left = 4096 - 4 * words - (3 * ROOM + 1_000);
    for len in [left + 1, left + 2, usize::MAX] {
        assert!(seat.enter_for(len).is_none(), "{len} of {left}");
    }
    let mut entered = seat.enter_for(left).unwrap();
    entered.parts_in_full().0.fill(1);
    assert!((0..words as u32).all(|_| entered.add_word(0x0202_0202)));
    entered.commit(left);
    assert!(seat.enter().is_none());
    drop(seat.occupy().unwrap());
    let mut reader = Reader::new(&ring);
    assert_eq!(reader.complete_idle(), 0);
    let chunk = reader.next_chunk().unwrap();
    assert!(chunk.bytes().len() == 3 * ROOM + 1_000 + left && chunk.bytes().iter().all(|&byte| byte == 1));
    assert!(chunk.words().count() == words && chunk.words().all(|word| word == 0x0202_0202));
}

#[test]
#[should_panic(expected = "larger than its space")]
fn a_packet_is_not_longer_than_it_said() {
    let ring = ring();
    let seat = seat(&ring);
    seat.enter_for(200).unwrap().commit(201);
}

/// Words grow towards the packets, some the short way, and the next ones when the window has been opened anew.
#[test]
fn words_have_room_behind_the_packets() {
    let ring = ring();
    let seat = seat(&ring);
    let (mut words, mut packets, mut opened) = (0, 0, 0);
    let short_room = seat.occupy().unwrap().sitting().as_ref().unwrap().writer.short_room();
    loop {
        while let Some(mut entered) = seat.enter() {
            entered.parts().0.fill(1);
            if !entered.add_word(words) {
                break;
            }
            words += 1;
            // Every third comes without a packet.
            if words % 3 != 0 {
                entered.commit(28);
                packets += 1;
            }
        }
        let used = (28 * packets + 4 * words) as usize;
        assert!(used <= 4096);
        // Opens it, if there is room.
        drop(seat.occupy().unwrap());
        if seat.enter().is_none() {
            assert!(used + short_room > 4096);
            break;
        }
        opened += 1;
    }
    // So many each time.
    assert_eq!(words.div_ceil(8), opened + 1);
    // The long way adds more, behind those.
    let mut occupied = seat.occupy().unwrap();
    occupied.sitting().as_mut().unwrap().writer.begin().unwrap().commit_with(1, &[words, words + 1]);
    drop(occupied);
    let mut reader = Reader::new(&ring);
    assert_eq!(reader.complete_idle(), 0);
    let chunk = reader.next_chunk().unwrap();
    assert!(chunk.words().eq(0..words + 2));
    assert!(chunk.bytes().iter().take(28 * packets as usize).all(|&byte| byte == 1));
    assert_eq!(chunk.packets(), packets + 1);
}

/// No more of them than a chunk's word can count.
#[test]
fn words_are_added_while_they_have_numbers() {
    let ring = Ring::new(Config { chunk_len: 1 << 17, chunks: 1, policy: Policy::Keep, writers: 1 }).unwrap();
    let seat = seat(&ring);
    let mut words = 0;
    for _ in 0..10 {
        while seat.enter().unwrap().add_word(words) {
            words += 1;
        }
        drop(seat.occupy().unwrap());
    }
    assert_eq!(words, pftrace_ring::MAX_TAIL);
    assert!(write(&seat, 1));
    let mut reader = Reader::new(&ring);
    assert_eq!(reader.complete_idle(), 0);
    assert!(reader.next_chunk().unwrap().words().eq(0..words));
}

#[test]
fn a_desk_has_one_seat_and_one_writer() {
    let ring = ring();
    let first = seat(&ring);
    let desk = first.desk().unwrap();
    let second = Seat::new(&NONE);
    assert!(!second.sit(desk) && !first.sit(self::desk()), "one is taken, the other is at one");
    assert!(ring.writer_at(&first).is_none() && ring.writer_at(&second).is_none());
    assert!(first.leave(&NONE).is_none(), "something sits there");
    let pen = first.occupy().unwrap().sitting().take().unwrap();
    assert!(first.enter().is_none(), "nothing sits there");
    assert!(first.leave(&NONE).is_none(), "its writer lives");
    drop(pen);
    assert!(first.leave(&NONE).is_some() && first.desk().is_none());
    assert!(second.sit(desk) && ring.writer_at(&second).is_some());
}

/// A window is opened for what sits at its own desk.
#[test]
fn a_writer_of_another_desk_opens_no_window() {
    let ring = ring();
    let (here, there) = (seat(&ring), seat(&ring));
    let (mut at_here, mut at_there) = (here.occupy().unwrap(), there.occupy().unwrap());
    std::mem::swap(at_here.sitting(), at_there.sitting());
    drop((at_here, at_there));
    assert!(here.enter().is_none() && there.enter().is_none());
    // One that is dropped within a packet keeps its chunk.
    let seat = seat(&ring);
    assert!(write(&seat, 4));
    let mut entered = seat.enter().unwrap();
    let (bytes, pen, ()) = entered.parts();
    bytes[..4].copy_from_slice(&5_u32.to_le_bytes());
    *pen = self::pen(ring.writer().unwrap());
    assert_eq!(Reader::new(&ring).complete_idle(), 1, "it is open");
    entered.commit(4);
    assert_eq!(read(&ring), [4, 5]);
}

/// A writer that was taken from the desk within a packet, while the window is open, and is used then.
#[test]
fn what_is_written_the_long_way_closes_the_window() {
    static NONE: NoDesk<(), Holder> = NoDesk::new(());
    static DESK: Desk<(), Holder> = Desk::new(());
    let (ring, seat) = (ring(), Seat::new(&NONE));
    assert!(seat.sit(&DESK));
    let open = |mut writer: Writer| {
        assert!(writer.take());
        *seat.occupy().unwrap().sitting() = Some(Holder(Some(writer)));
        let writer = seat.enter().unwrap().parts().1.0.take();
        drop(seat.enter().unwrap());
        writer.unwrap()
    };
    let mut writer = open(ring.writer_at(&seat).unwrap());
    assert!(writer.take(), "another chunk");
    assert!(seat.enter().is_none());
    writer = open(writer);
    writer.begin().unwrap().commit_with(1, &[7]);
    assert!(seat.enter().is_none(), "there is less room");
    writer = open(writer);
    assert!(writer.complete() && seat.enter().is_none());
}

/// A signal handler that writes, too, wherever it interrupts: what each has been told that it wrote is there, once, and whole.
#[cfg(unix)]
#[test]
fn signal_handlers_come_between_packets() {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    thread_local! {
        static SEAT: Seat<(), Pen> = const { Seat::new(&NONE) };
        /// How many the handler has written.
        static HANDLED: Cell<u32> = const { Cell::new(0) };
    }
    static REFUSED: AtomicU32 = AtomicU32::new(0);
    const OF_HANDLER: u32 = 1 << 31;

    extern "C" fn handle(_: libc::c_int) {
        let number = HANDLED.get();
        if SEAT.with(|seat| write(seat, OF_HANDLER | number)) {
            HANDLED.set(number + 1);
        } else {
            REFUSED.fetch_add(1, Ordering::Relaxed);
        }
    }

    let ring = Ring::new(Config { chunk_len: 1 << 17, chunks: 64, policy: Policy::Keep, writers: 1 }).unwrap();
    let ((written, by_handler), numbers) = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let desk = desk();
            SEAT.with(|seat| {
                assert!(seat.sit(desk));
                *seat.occupy().unwrap().sitting() = ring.writer_at(seat).map(pen);
            });
            // SAFETY: a handler that only does what may be done in one, and a thread of ours that it is sent to.
            let thread = unsafe {
                libc::signal(libc::SIGUSR1, handle as *const () as libc::sighandler_t);
                libc::pthread_self()
            };
            let over = AtomicU32::new(0);
            let written = std::thread::scope(|scope| {
                scope.spawn(|| {
                    while over.load(Ordering::Relaxed) == 0 {
                        // SAFETY: the thread lives, since it waits for this one.
                        unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
                        (0..50).for_each(|_| std::hint::spin_loop());
                    }
                });
                let mut written = 0;
                while written < 500_000 {
                    if SEAT.with(|seat| write(seat, written)) {
                        written += 1;
                    } else if !SEAT.with(|seat| seat.occupy().unwrap().sitting().as_mut().unwrap().writer.take()) {
                        break;
                    }
                }
                over.store(1, Ordering::Relaxed);
                written
            });
            // Nobody sends any more.
            (written, HANDLED.get())
        });
        (writing.join().unwrap(), read(&ring))
    });
    let (of_handler, own): (Vec<_>, Vec<_>) = numbers.into_iter().partition(|number| number & OF_HANDLER != 0);
    assert!(own.into_iter().eq(0..written));
    assert!(by_handler > 0);
    assert!(of_handler.into_iter().eq((0..by_handler).map(|number| OF_HANDLER | number)));
    assert!(REFUSED.load(Ordering::Relaxed) > 0, "it has never come within a packet");
}

/// A writer that is dropped within a packet, the last that has the ring: the packet's memory stays.
#[test]
fn a_packet_outlives_its_writer_and_its_ring() {
    static NONE: NoDesk<(), Holder> = NoDesk::new(());
    static DESK: Desk<(), Holder> = Desk::new(());
    let (ring, seat) = (ring(), Seat::new(&NONE));
    assert!(seat.sit(&DESK));
    let mut writer = ring.writer_at(&seat).unwrap();
    assert!(writer.take());
    *seat.occupy().unwrap().sitting() = Some(Holder(Some(writer)));
    drop(ring);
    let mut entered = seat.enter().unwrap();
    let (bytes, holder, ()) = entered.parts();
    holder.0 = None;
    bytes.fill(1);
    entered.commit(4);
    assert!(seat.enter().is_none());
}
