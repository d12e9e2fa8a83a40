//! What the elements of a packed field come from.

use core::iter::Copied;
use core::slice;

/// The elements of a packed field: a slice or an array of them, by reference, or [`iter`] around any iterator.
///
/// ```
/// # let mut buffer = [0; 32];
/// let message = pftrace_wire::encode(&mut buffer, |mut m| {
///     m.packed_uint64::<1>(&[1, 2, 300]);
///     m.packed_bool::<2>(pftrace_wire::iter([1, 2, 3].into_iter().map(|n| n % 2 == 1)));
/// })?;
/// assert_eq!(message, b"\x0a\x04\x01\x02\xac\x02\x12\x03\x01\x00\x01");
/// # Ok::<(), pftrace_wire::Error>(())
/// ```
pub trait Packed<T>: sealed::Sealed {
    /// The iterator over the elements.
    type Elements: Iterator<Item = T>;

    /// The elements, in order.
    fn elements(self) -> Self::Elements;

    /// The elements as a slice, if they are one.
    #[doc(hidden)]
    #[inline]
    fn as_slice(&self) -> Option<&[T]> {
        None
    }
}

/// Elements that come from an iterator: see [`iter`].
#[derive(Debug, Clone)]
pub struct Iter<I>(I);

/// Makes the elements of a packed field from anything that can be iterated over. How many they are need not be known.
pub fn iter<I: IntoIterator>(elements: I) -> Iter<I> {
    Iter(elements)
}

impl<'a, T: Copy> Packed<T> for &'a [T] {
    type Elements = Copied<slice::Iter<'a, T>>;

    #[inline]
    fn elements(self) -> Self::Elements {
        self.iter().copied()
    }

    #[inline]
    fn as_slice(&self) -> Option<&[T]> {
        Some(*self)
    }
}

impl<'a, T: Copy, const LEN: usize> Packed<T> for &'a [T; LEN] {
    type Elements = Copied<slice::Iter<'a, T>>;

    #[inline]
    fn elements(self) -> Self::Elements {
        self.iter().copied()
    }

    #[inline]
    fn as_slice(&self) -> Option<&[T]> {
        Some(*self)
    }
}

impl<T, I: IntoIterator<Item = T>> Packed<T> for Iter<I> {
    type Elements = I::IntoIter;

    #[inline]
    fn elements(self) -> Self::Elements {
        self.0.into_iter()
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for &[T] {}
    impl<T, const LEN: usize> Sealed for &[T; LEN] {}
    impl<I> Sealed for super::Iter<I> {}
}
