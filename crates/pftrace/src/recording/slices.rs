//! The slices that a thread has open: what a header says of them.

mod stack;

pub(super) use self::stack::{Begun, Ending, Rest, Stack, Token};
use self::stack::{CUT_LEN, LOOK, MOST, NAMES_LEN, TIME, UNWRITTEN};
use super::header::Open;

/// Names in a header are not cut to less.
const LEAST_NAME: usize = CUT_LEN;

#[derive(Debug)]
pub(super) struct Slices {
    stack: &'static Stack,
    /// The word behind the names of those that are open; later, perhaps, where some have ended as if they had none.
    pub(super) names_len: usize,
    /// When slices ended, whose begin is written and whose end is not: the next header says so.
    late_ends: [u64; MOST],
    unwritten_ends: usize,
    /// How many were begun, without a guard, when no more could be open.
    too_deep: u32,
}

impl Slices {
    pub(super) fn new(stack: &'static Stack) -> Self {
        stack.begin();
        Self { stack, names_len: 0, late_ends: [0; MOST], unwritten_ends: 0, too_deep: 0 }
    }

    pub(super) fn stack(&self) -> &'static Stack {
        self.stack
    }

    pub(super) fn is_full(&self) -> bool {
        self.stack.depth() >= MOST
    }

    /// The names of those that are open end there now, if there is one more.
    #[inline(always)]
    pub(super) fn opened(&mut self, names_len: Option<usize>) {
        self.names_len = names_len.unwrap_or(self.names_len);
    }

    /// One more, if it is not full.
    pub(super) fn push(&mut self, begun: Begun, name: Option<&str>) -> Token {
        let counted = self.stack.counted() | if begun.written { 0 } else { UNWRITTEN };
        let depth = self.stack.depth();
        if depth >= MOST {
            return Token::LOST;
        }
        let rest = Rest::of(begun, name.map(|name| self.store_name(name)));
        let opening = self.stack.store(counted, depth, begun.ns, rest);
        self.opened(opening.names_len());
        // Once all are written, it is found.
        Token(opening.open().0 & !UNWRITTEN)
    }

    /// The same of one that began when it was told to have. None that is known by this is ended the short way.
    pub(super) fn push_told(&mut self, begun: Begun, name: Option<&str>) -> Token {
        let token = self.push(begun, name);
        if token == Token::LOST { token } else { self.told(token) }
    }

    /// When the innermost, which was known by that, began was told. What it is known by from then on.
    pub(super) fn told(&self, token: Token) -> Token {
        self.stack.set_told();
        Token(token.0 | LOOK | UNWRITTEN)
    }

    /// Stores a name, cut if it has no room. Returns where, and how long it is there.
    fn store_name(&mut self, name: &str) -> (usize, usize) {
        if let Some(len) = self.stack.store_name(name, self.names_len) {
            return (self.names_len, len);
        }
        // Slices that have names of their own may have ended as if they had none.
        self.names_len = self.stack.names_len();
        (self.names_len, self.stack.store_cut(name, self.names_len))
    }

    /// Whether that is one of this thread in this session.
    pub(super) fn has_begun(&self, token: Token) -> bool {
        (token.0 ^ self.stack.counted()) & !(LOOK | (TIME - 1)) == 0
    }

    /// One of which that is known [has ended](Stack::end).
    #[inline(always)]
    pub(super) fn ended(&mut self, rest: Rest) {
        if rest.is_named() {
            self.names_len = rest.name_at();
        }
    }

    /// The innermost, which is perhaps unwritten, is open no more.
    pub(super) fn pop(&mut self, ending: Ending, rest: Rest) {
        self.stack.end(ending);
        self.ended(rest);
        self.stack.look_for_unwritten();
    }

    /// One was begun that is not open, and that an end will come for.
    pub(super) fn push_too_deep(&mut self) {
        self.too_deep += 1;
    }

    #[inline(always)]
    pub(super) fn has_too_deep(&self) -> bool {
        self.too_deep > 0
    }

    /// Whether an end was for one of those.
    pub(super) fn pop_too_deep(&mut self) -> bool {
        let is_any = self.too_deep > 0;
        self.too_deep -= u32::from(is_any);
        is_any
    }

    /// The end of one whose begin is written had no room.
    pub(super) fn end_unwritten(&mut self, at_ns: u64) {
        // Each was open once, so they are no more than can be; those that are lost for good would be the last.
        if let Some(place) = self.late_ends.get_mut(self.unwritten_ends) {
            *place = at_ns;
            self.unwritten_ends += 1;
        }
    }

    /// What a header says that has `room` bytes for it: half for what has ended, and what that leaves for what is open. Names are cut before slices are left out.
    pub(super) fn listing(&self, room: usize) -> Listing<'_> {
        let ended = &self.late_ends[..self.unwritten_ends];
        let (ended_together, ended) = ended.split_at(ended.len().saturating_sub(room / 2 / size_of::<u64>()));
        let room = room - size_of_val(ended);
        let depth = self.stack.depth();
        let longest_name = self.longest_name(room.saturating_sub(depth * size_of::<Open>()));
        let (mut count, mut names_len) = (0, 0);
        for number in 0..depth {
            let names = names_len + self.stack.name_of(number, longest_name).len();
            if (count + 1) * size_of::<Open>() + names > room {
                break;
            }
            (count, names_len) = (count + 1, names);
        }
        Listing {
            ended_together: ended_together.len() as u32,
            ended,
            stack: self.stack,
            count,
            names_len,
            longest_name,
            unlisted: (count..depth).filter(|&number| self.stack.rest(number).is_written()).count() as u32,
        }
    }

    /// How long the names of all that are open may be for them to fit into `room` bytes: each is cut to that. Not below what still tells most names apart.
    fn longest_name(&self, room: usize) -> usize {
        let len_with = |longest: usize| -> usize {
            (0..self.stack.depth()).map(|number| self.stack.rest(number).name_len().min(longest)).sum()
        };
        let mut longest = NAMES_LEN;
        while longest > LEAST_NAME && len_with(longest) > room {
            longest -= longest / 4;
        }
        longest
    }

    /// A header has been written with so many open ones.
    pub(super) fn listed(&mut self, count: usize) {
        self.stack.made_up_for(count);
        self.unwritten_ends = 0;
    }
}

/// What stands in a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing<'s> {
    /// How many ended first, whose times have no room: the innermost. They are said to have ended with the next.
    pub(super) ended_together: u32,
    pub(super) ended: &'s [u64],
    stack: &'s Stack,
    /// How many are open: the outermost; and how long their names are.
    pub(super) count: usize,
    pub(super) names_len: usize,
    /// Longer ones are cut.
    longest_name: usize,
    /// How many more are open whose begin is written.
    pub(super) unlisted: u32,
}

impl<'s> Listing<'s> {
    /// Those that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = Open> + use<'s> {
        let (stack, longest) = (self.stack, self.longest_name);
        (0..self.count).map(move |number| {
            let name_len = stack.name_of(number, longest).len() as u16;
            Open { name_len, ..stack.get(number) }
        })
    }

    /// Adds their names, one behind the other.
    pub(super) fn write_names(&self, add: &mut impl FnMut(&[u8])) {
        for number in 0..self.count {
            self.stack.name_of(number, self.longest_name).write(add);
        }
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        size_of_val(self.ended) + self.count * size_of::<Open>() + self.names_len
    }

    /// How many events it makes up for.
    pub(super) fn recovered(&self) -> u32 {
        self.ended_together + (self.ended.len() + self.open().filter(|open| open.written == 0).count()) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::stack::{NAME_WORDS, NAMES_LEN};

    use super::*;

    fn slices() -> Slices {
        Slices::new(Box::leak(Box::new(Stack::new())))
    }

    fn begun(written: bool) -> Begun {
        Begun { ns: 1, site: 1, written, guarded: true }
    }

    #[test]
    fn what_is_unwritten_keeps_others_from_the_short_way() {
        let mut slices = slices();
        let stack = slices.stack();
        let is_short = || stack.prepare(begun(true), None, 0).is_some();
        let outer = slices.push(begun(true), None);
        assert!(is_short() && stack.plain_innermost(outer).is_some());
        let unwritten = slices.push(begun(false), None);
        assert!(
            !is_short() && stack.plain_innermost(unwritten).is_none() && stack.named_innermost(unwritten).is_none()
        );
        // Until it has ended,
        let (ending, rest) = stack.innermost().unwrap();
        slices.pop(ending, rest);
        assert!(is_short() && stack.plain_innermost(outer).is_some());
        // or a header has said that it is open.
        let unwritten = slices.push(begun(false), None);
        let named = slices.push(begun(true), Some("name"));
        slices.listed(1);
        assert!(!is_short() && stack.named_innermost(named).is_none());
        slices.listed(2);
        assert!(is_short() && stack.named_innermost(named).is_some() && slices.has_begun(unwritten));
    }

    #[test]
    fn a_name_lies_where_its_slice_says() {
        let mut slices = slices();
        let names = ["", "the name of the second", "", "that of the fourth, which is longer than the others"];
        let tokens = names.map(|name| slices.push(begun(true), Some(name).filter(|name| !name.is_empty())));
        let open = slices.stack().read();
        assert_eq!(open.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), names);
        assert!(tokens.iter().all(|token| slices.has_begun(*token)));
    }

    #[test]
    fn names_of_every_length_are_as_they_were_wherever_they_lie() {
        let stack = slices().stack();
        let letters: String = ('!'..='~').cycle().take(200).collect();
        for (len, at) in (0_usize..200).flat_map(|len| [(len, 0), (len, 3), (len, NAME_WORDS - len.div_ceil(8))]) {
            let name = &letters[..len];
            // What lies there is another's, of whom nothing remains, and nothing of the next one is written over.
            assert_eq!(stack.store_name(&"\u{7f}".repeat(NAMES_LEN), 0), Some(NAMES_LEN));
            let opening = stack.prepare(begun(true), Some(name), at).unwrap();
            let end = opening.names_len().unwrap();
            opening.open();
            assert_eq!((&*stack.read()[0].1, end), (name, at + len.div_ceil(8)));
            stack.end(Ending(stack.counted() - 1));
            assert_eq!(stack.store_name(name, NAME_WORDS + 1 - len.div_ceil(8)), None, "{len}");
        }
    }

    /// As guards are dropped that are kept until the next one has begun.
    #[test]
    fn names_of_what_ends_as_if_it_had_none_are_given_back() {
        let mut slices = slices();
        let stack = slices.stack();
        slices.push(begun(true), Some("around"));
        let mut longest = 0;
        for number in 0..2 * NAMES_LEN / 16 {
            let name = format!("named {number:>10}");
            match stack.prepare(begun(true), Some(&name), slices.names_len) {
                Some(opening) => {
                    slices.opened(opening.names_len());
                    opening.open();
                }
                // The long way.
                None => _ = slices.push(begun(true), Some(&name)),
            }
            assert_eq!(stack.read().iter().map(|(_, name)| &**name).collect::<Vec<_>>(), ["around", &name]);
            longest = longest.max(slices.names_len);
            stack.end(Ending(stack.counted() - 1));
        }
        assert!(longest > NAME_WORDS - 4, "{longest}");
        // With no room for any of it, it still takes nothing from others.
        let long = "x".repeat(NAMES_LEN - 32);
        slices.push(begun(true), Some(&long));
        let more = [(); 8].map(|()| slices.push(begun(true), Some("has hardly any room")));
        assert!(more.iter().all(|token| slices.has_begun(*token)));
        let open = stack.read();
        assert_eq!((&*open[0].1, &*open[1].1), ("around", &*long));
        assert!(open[2..].iter().all(|(_, name)| name.starts_with("has hardly") && name.len() >= CUT_LEN - 2));
        assert_eq!(open[9].1, "has hardly an…");
    }

    #[test]
    fn none_is_without_a_name() {
        let mut slices = slices();
        let names: Vec<String> = (0..MOST).map(|number| format!("{number} äöüäöüäöüäöüäöü")).collect();
        let long = "x".repeat(NAMES_LEN + 1);
        slices.push(begun(true), Some(&long));
        names[1..].iter().for_each(|name| _ = slices.push(begun(true), Some(name)));
        assert!(slices.is_full() && slices.names_len <= NAME_WORDS + 2 * MOST);
        let open = slices.stack().read();
        assert!(open[0].1.len() > NAMES_LEN - 3 && open[0].1.ends_with("x…"));
        for ((_, shown), name) in open.iter().zip(&names).skip(1) {
            assert!(shown.len() > CUT_LEN - 3 && name.starts_with(shown.strip_suffix('…').unwrap()), "{shown}");
        }
    }

    #[test]
    fn another_time_is_another() {
        let mut slices = slices();
        let token = slices.push(begun(true), None);
        let stack = slices.stack();
        for _ in 0..3 {
            let mut later = Slices::new(stack);
            assert!(!later.has_begun(token) && stack.plain_innermost(token).is_none());
            assert_ne!(later.push(begun(true), None), token);
        }
    }
}
