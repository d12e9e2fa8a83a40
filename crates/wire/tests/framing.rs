//! Messages with their lengths in front, in buffers of any size and in growing ones.

use pftrace_wire::{Encoded, Error, delimited, encode};

/// One field of bytes, so that the whole message has `len` of them, which is not 1 nor 130.
fn message(buffer: &mut [u8], len: usize) -> Encoded<'_> {
    // A tag, a length of one to three bytes, and the rest.
    let content = (0..=len).rev().find(|content| 1 + varint(*content).len() + content == len);
    encode(buffer, |mut m| content.into_iter().for_each(|content| m.bytes::<1>(&vec![7; content])))
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 127 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

const LENS: [usize; 10] = [0, 2, 3, 126, 127, 128, 129, 16_383, 16_384, 16_385];

fn expected(len: usize) -> Vec<u8> {
    let mut plain = vec![0; len];
    let plain = message(&mut plain, len).unwrap();
    assert_eq!(plain.len(), len);
    [&varint(len), &plain[..]].concat()
}

#[test]
fn the_length_is_in_front_in_a_buffer_of_any_size() {
    for len in LENS {
        let expected = expected(len);
        let needed = expected.len();
        for capacity in [needed, needed + 1, needed + 2, needed + 100] {
            let mut buffer = vec![0xa5; capacity];
            assert_eq!(delimited(&mut buffer, |buffer| message(buffer, len)).unwrap(), expected, "{len} in {capacity}");
        }
        for capacity in (0..needed).rev().take(5).chain([0]) {
            let mut buffer = vec![0; capacity];
            let result = delimited(&mut buffer, |buffer| message(buffer, len));
            assert_eq!(result, Err(Error::Overflow { needed, capacity }), "{len} in {capacity}");
        }
    }
}

#[test]
fn other_errors_stay_what_they_are() {
    let error = Error::RequiredMissing { field: "a.B.c" };
    assert_eq!(delimited(&mut [0; 8], |_| Err(error)), Err(error));
}

#[cfg(feature = "alloc")]
mod in_a_vector {
    use super::*;
    use pftrace_wire::growing;

    #[test]
    fn it_grows_until_the_message_fits_and_then_stays() {
        let mut buffer = Vec::new();
        let mut calls = 0;
        for len in LENS.into_iter().chain(LENS.into_iter().rev()) {
            let bytes = growing(&mut buffer, |buffer| {
                calls += 1;
                delimited(buffer, |buffer| message(buffer, len))
            });
            assert_eq!(bytes.unwrap(), expected(len));
        }
        // Once each, and once more where it grew: to 1, 3, 6, 127, 254, 16385 and 32770.
        assert_eq!(buffer.len(), 32_770);
        assert_eq!(calls, 2 * LENS.len() + 7);
    }

    #[test]
    fn it_does_not_grow_for_what_does_not_help() {
        let mut buffer = vec![0; 3];
        for error in [
            Error::RequiredMissing { field: "a.B.c" },
            // Of another buffer than the one that it was given.
            Error::Overflow { needed: 3, capacity: 2 },
        ] {
            assert_eq!(growing(&mut buffer, |_| Err(error)), Err(error));
        }
        assert_eq!(buffer.len(), 3);
    }
}
