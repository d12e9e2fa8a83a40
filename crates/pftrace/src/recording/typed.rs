//! Annotations by the types of their values: what a macro knows where it stands. An event with them is written by code made for these types; with
//! [`Argument`]s it has to look at each.
//!
//! A macro asks `(&Probe::of(&value)).typed()`. For the types of [`Known`] that is a value of their kind. For all others, which are behind one more reference, it is what
//! [`Annotate`] says: asked here, since it is the program's own code, which may record, take long, and panic.

use std::string::String;

use super::argument::{Annotate, Argument};
use super::call_site::CallSite;
use super::detail::{Detail, told_ns};
use super::put::{self, Key};
use super::thread::{MEDIUM, Packets};
use crate::CounterValue;

/// A packet whose lengths are all below 128.
pub(super) type Packet = [u8; MEDIUM];

/// A value, to be asked for its kind, and what asks [`Annotate`], where that is not known: as a function, so that for a known kind the compiler has nothing to leave out.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(&'a T, fn(&'a T) -> Argument<'a>);

impl<'a, T: Annotate + ?Sized> Probe<'a, T> {
    /// Of what can be the value of an annotation.
    #[inline(always)]
    pub fn of(value: &'a T) -> Self {
        Self(value, T::argument)
    }
}

/// Whose kind is known.
pub trait Known {
    /// The kind.
    type Kind;

    /// The value.
    fn typed(&self) -> Self::Kind;
}

/// Whose kind is not.
pub trait Unknown<'a> {
    /// The value.
    fn typed(&self) -> Argument<'a>;
}

// Whatever it is: what is no value of an annotation has no probe, and that is one error and not two.
impl<'a, T: ?Sized> Unknown<'a> for &Probe<'a, T> {
    #[inline(always)]
    fn typed(&self) -> Argument<'a> {
        (self.1)(self.0)
    }
}

impl<'a, T: ?Sized> Known for Probe<'a, &T>
where
    Probe<'a, T>: Known,
{
    type Kind = <Probe<'a, T> as Known>::Kind;

    #[inline(always)]
    fn typed(&self) -> Self::Kind {
        // Nobody asks that one.
        Probe(*self.0, |_| Argument::None).typed()
    }
}

/// What is known of each kind.
pub trait Typed<'a>: Copy {
    /// Writes it as the value of a key, at `at`; returns where it ends. `None` when there is no room, or it is not written by this.
    fn put(self, packet: &mut Packet, at: usize, key: Key) -> Option<usize>;

    /// The same value, with what it is beside it.
    fn argument(self) -> Argument<'a>;
}

macro_rules! kinds {
    ($($(#[$attribute:meta])* $kind:ident($inner:ty) by $put:ident of $($type:ty),*;)*) => {
        $(
            $(#[$attribute])*
            #[derive(Clone, Copy, Debug)]
            pub struct $kind($inner);

            impl<'a> Typed<'a> for $kind {
                #[inline(always)]
                fn put(self, packet: &mut Packet, at: usize, key: Key) -> Option<usize> {
                    put::$put(packet, at, key, self.0)
                }

                #[inline]
                fn argument(self) -> Argument<'a> {
                    Argument::$kind(self.0)
                }
            }

            $(
                impl Known for Probe<'_, $type> {
                    type Kind = $kind;

                    #[inline(always)]
                    fn typed(&self) -> $kind {
                        $kind(<$inner>::from(*self.0))
                    }
                }
            )*
        )*
    };
}

kinds! {
    /// Yes or no.
    Bool(bool) by bool of bool;
    /// An integer.
    Int(i64) by int of i8, i16, i32, i64;
    /// An unsigned integer.
    Uint(u64) by uint of u8, u16, u32, u64;
    /// A floating-point number.
    Double(f64) by double of f32, f64;
}

impl Known for Probe<'_, usize> {
    type Kind = Uint;

    #[inline(always)]
    fn typed(&self) -> Uint {
        Uint(*self.0 as u64)
    }
}

impl Known for Probe<'_, isize> {
    type Kind = Int;

    #[inline(always)]
    fn typed(&self) -> Int {
        Int(*self.0 as i64)
    }
}

/// A text.
#[derive(Clone, Copy, Debug)]
pub struct Str<'a>(&'a str);

impl<'a> Typed<'a> for Str<'a> {
    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, key: Key) -> Option<usize> {
        put::str(packet, at, key, self.0)
    }

    #[inline]
    fn argument(self) -> Argument<'a> {
        Argument::Str(self.0)
    }
}

impl<'a> Known for Probe<'a, str> {
    type Kind = Str<'a>;

    #[inline(always)]
    fn typed(&self) -> Str<'a> {
        Str(self.0)
    }
}

impl<'a> Known for Probe<'a, String> {
    type Kind = Str<'a>;

    #[inline(always)]
    fn typed(&self) -> Str<'a> {
        Str(self.0)
    }
}

impl<'a> Typed<'a> for Argument<'a> {
    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, key: Key) -> Option<usize> {
        put::argument(packet, at, key, &self)
    }

    #[inline]
    fn argument(self) -> Argument<'a> {
        self
    }
}

/// The annotations of an event.
pub trait Annotations<'a>: Copy {
    /// Whether there are none: then its call site's keys are not referred to.
    fn is_empty(self) -> bool;

    /// Whether the chunk lists what else is referred to, and nothing is said that is not written by this.
    #[inline(always)]
    fn is_listed(self, _: &Packets) -> bool {
        true
    }

    /// Whether it may be written by this, once all is listed.
    #[inline(always)]
    fn may_be_listed(self) -> bool {
        true
    }

    /// When the event happened, if that is said.
    #[inline(always)]
    fn told_ns(self) -> Option<u64> {
        None
    }

    /// Writes them, from `at` on; returns where they end. `None` when there is no room, or one is not written by this.
    fn put(self, packet: &mut Packet, at: usize, site: &CallSite) -> Option<usize>;

    /// Does something with all of them, and what else is said.
    fn listed<R>(self, then: impl FnOnce(&[Argument<'a>], &[Detail<'a>]) -> R) -> R;
}

impl<'a> Annotations<'a> for &[Argument<'a>] {
    #[inline(always)]
    fn is_empty(self) -> bool {
        <[_]>::is_empty(self)
    }

    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, site: &CallSite) -> Option<usize> {
        put::annotations(packet, at, site, self)
    }

    #[inline]
    fn listed<R>(self, then: impl FnOnce(&[Argument<'a>], &[Detail<'a>]) -> R) -> R {
        then(self, &[])
    }
}

/// As a macro has them: one, and the others, `(Uint, (Double, ()))`.
pub trait List<'a>: Copy {
    #[doc(hidden)]
    fn put_from(self, packet: &mut Packet, at: usize, key: Key) -> Option<usize>;

    #[doc(hidden)]
    fn fill(self, arguments: &mut [Argument<'a>]);
}

impl<'a> List<'a> for () {
    #[inline(always)]
    fn put_from(self, _: &mut Packet, at: usize, _: Key) -> Option<usize> {
        Some(at)
    }

    #[inline]
    fn fill(self, _: &mut [Argument<'a>]) {}
}

impl<'a, T: Typed<'a>, L: List<'a>> List<'a> for (T, L) {
    #[inline(always)]
    fn put_from(self, packet: &mut Packet, at: usize, key: Key) -> Option<usize> {
        let at = self.0.put(packet, at, key)?;
        self.1.put_from(packet, at, key.next())
    }

    #[inline]
    fn fill(self, arguments: &mut [Argument<'a>]) {
        if let [first, others @ ..] = arguments {
            *first = self.0.argument();
            self.1.fill(others);
        }
    }
}

/// A list of so many.
#[derive(Clone, Copy, Debug)]
pub struct Listed<L, const COUNT: usize>(pub L);

impl<'a, L: List<'a>, const COUNT: usize> Annotations<'a> for Listed<L, COUNT> {
    #[inline(always)]
    fn is_empty(self) -> bool {
        COUNT == 0
    }

    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, site: &CallSite) -> Option<usize> {
        self.0.put_from(packet, at, if COUNT == 0 { Key::of_bits(0) } else { site.key() })
    }

    #[inline]
    fn listed<R>(self, then: impl FnOnce(&[Argument<'a>], &[Detail<'a>]) -> R) -> R {
        let mut arguments = [Argument::None; COUNT];
        self.0.fill(&mut arguments);
        then(&arguments, &[])
    }
}

/// A flow that an event is part of.
#[derive(Clone, Copy, Debug)]
pub struct Flow(pub u64);

/// The same, of its last event.
#[derive(Clone, Copy, Debug)]
pub struct TerminatingFlow(pub u64);

/// A flow of whichever kind.
pub trait IsFlow: Copy {
    #[doc(hidden)]
    const TAG: [u8; 2];

    #[doc(hidden)]
    fn id(self) -> u64;

    #[doc(hidden)]
    fn detail(self) -> Detail<'static>;
}

impl IsFlow for Flow {
    const TAG: [u8; 2] = put::FLOW;

    #[inline(always)]
    fn id(self) -> u64 {
        self.0
    }

    #[inline]
    fn detail(self) -> Detail<'static> {
        Detail::Flow(self.0)
    }
}

impl IsFlow for TerminatingFlow {
    const TAG: [u8; 2] = put::TERMINATING_FLOW;

    #[inline(always)]
    fn id(self) -> u64 {
        self.0
    }

    #[inline]
    fn detail(self) -> Detail<'static> {
        Detail::TerminatingFlow(self.0)
    }
}

/// The annotations of an event that is part of a flow.
#[derive(Clone, Copy, Debug)]
pub struct InFlow<L, F>(pub L, pub F);

impl<'a, L: Annotations<'a>, F: IsFlow> Annotations<'a> for InFlow<L, F> {
    #[inline(always)]
    fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, site: &CallSite) -> Option<usize> {
        let at = self.0.put(packet, at, site)?;
        put::flow(packet, at, F::TAG, self.1.id())
    }

    #[inline]
    fn listed<R>(self, then: impl FnOnce(&[Argument<'a>], &[Detail<'a>]) -> R) -> R {
        self.0.listed(|arguments, _| then(arguments, &[self.1.detail()]))
    }
}

/// The annotations of an event that has other options.
#[derive(Clone, Copy, Debug)]
pub struct Detailed<'a, L>(pub L, pub &'a [Detail<'a>]);

impl<'a, L: Annotations<'a>> Annotations<'a> for Detailed<'a, L> {
    #[inline(always)]
    fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    #[inline(always)]
    fn is_listed(self, packets: &Packets) -> bool {
        packets.list_details(self.1)
    }

    #[inline]
    fn may_be_listed(self) -> bool {
        self.1.iter().all(Detail::is_short)
    }

    #[inline]
    fn told_ns(self) -> Option<u64> {
        told_ns(self.1)
    }

    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, site: &CallSite) -> Option<usize> {
        let at = self.0.put(packet, at, site)?;
        put::details(packet, at, self.1)
    }

    #[inline]
    fn listed<R>(self, then: impl FnOnce(&[Argument<'a>], &[Detail<'a>]) -> R) -> R {
        self.0.listed(|arguments, _| then(arguments, self.1))
    }
}

/// What an event says that is on a track of its own, with that track: [`TrackRef::field`](super::track::TrackRef::field). For what is [listed](Annotations::is_listed) by now, and laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct On<L>(pub(super) u64, pub(super) L);

impl<'a, L: Annotations<'a>> Annotations<'a> for On<L> {
    #[inline(always)]
    fn is_empty(self) -> bool {
        self.1.is_empty()
    }

    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, site: &CallSite) -> Option<usize> {
        let end = at + size_of::<u64>();
        packet.get_mut(at..end)?.copy_from_slice(&self.0.to_le_bytes());
        self.1.put(packet, end, site)
    }

    #[inline]
    fn listed<R>(self, then: impl FnOnce(&[Argument<'a>], &[Detail<'a>]) -> R) -> R {
        self.1.listed(then)
    }
}

/// A counter's value has no annotations.
impl<'a> Annotations<'a> for CounterValue {
    #[inline(always)]
    fn is_empty(self) -> bool {
        true
    }

    #[inline(always)]
    fn put(self, packet: &mut Packet, at: usize, _: &CallSite) -> Option<usize> {
        Some(put::counter(packet, at, self))
    }

    #[inline]
    fn listed<R>(self, then: impl FnOnce(&[Argument<'a>], &[Detail<'a>]) -> R) -> R {
        then(&[], &[])
    }
}

/// The name of an event that is given at run time, if it is.
pub trait Name<'n>: Copy {
    #[doc(hidden)]
    fn given(self) -> Option<&'n str>;
}

/// The call site's own.
#[derive(Clone, Copy, Debug)]
pub struct OwnName;

impl<'n> Name<'n> for OwnName {
    #[inline(always)]
    fn given(self) -> Option<&'n str> {
        None
    }
}

impl<'n> Name<'n> for &'n str {
    #[inline(always)]
    fn given(self) -> Option<&'n str> {
        Some(self)
    }
}

impl<'n> Name<'n> for Option<&'n str> {
    #[inline(always)]
    fn given(self) -> Option<&'n str> {
        self
    }
}

/// A name that is given: what derefs to a text, too.
#[inline(always)]
pub fn given(name: &str) -> &str {
    name
}
