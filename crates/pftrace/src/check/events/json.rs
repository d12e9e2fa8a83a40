//! JSON in annotations, as far as Perfetto reads it: more than the grammar, such as a comma at the end, and less.

use core::str;

/// Lists and objects that are nested deeper are not looked into.
const MAX_DEPTH: u32 = 100;

/// Where the trace processor stops to read; `None` if it reads to the end.
#[cold]
pub(super) fn stops_at(bytes: &[u8]) -> Option<usize> {
    let mut json = Json { bytes, at: 0, is_deep: false };
    let is_read = json.value(0).is_some() && json.is_read_alone() && json.next().is_none();
    (!is_read && !json.is_deep).then_some(json.at)
}

struct Json<'b> {
    bytes: &'b [u8],
    at: usize,
    is_deep: bool,
}

impl Json<'_> {
    /// What is neither an object nor a list has nothing before it, is no null, and has something behind it if it is a number.
    fn is_read_alone(&self) -> bool {
        let is_number = |byte: u8| byte == b'-' || byte.is_ascii_digit();
        match self.bytes.first() {
            Some(b'n') => false,
            Some(byte) if is_number(*byte) => self.at < self.bytes.len(),
            Some(byte) if byte.is_ascii_whitespace() => {
                matches!(self.bytes.trim_ascii_start().first(), Some(b'{' | b'['))
            }
            _ => true,
        }
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        self.is_deep |= depth > MAX_DEPTH;
        match self.next().filter(|_| !self.is_deep)? {
            b'{' => self.items(b'}', depth),
            b'[' => self.items(b']', depth),
            b'"' => self.string(),
            _ => self.word(),
        }
    }

    /// What stands between two brackets.
    fn items(&mut self, end: u8, depth: u32) -> Option<()> {
        self.at += 1;
        while self.next()? != end {
            if end == b'}' {
                self.string()?;
                self.take(b':')?;
            }
            self.value(depth + 1)?;
            if self.next()? != end {
                self.take(b',')?;
            }
        }
        self.take(end)
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => return self.take(b'"'),
                b'\\' if self.bytes.get(self.at + 1) == Some(&b'u') => {
                    let digits = str::from_utf8(self.bytes.get(self.at + 2..self.at + 6)?).ok()?;
                    // Not the halves of a character that takes two.
                    char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                    self.at += 6;
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    fn word(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let word = str::from_utf8(&rest[..len]).ok()?;
        let digits = word.strip_prefix('-').unwrap_or(word).as_bytes();
        let is_number = match digits {
            [b'0', b'0'..=b'9', ..] => false,
            [b'0'..=b'9', ..] => {
                let is_whole =
                    word.split_once('.').is_none_or(|(_, rest)| rest.starts_with(|next: char| next.is_ascii_digit()));
                is_whole && word.parse::<f64>().is_ok_and(f64::is_finite)
            }
            _ => matches!(word, "true" | "false" | "null"),
        };
        self.at += if is_number { len } else { 0 };
        is_number.then_some(())
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let is_next = self.next()? == byte;
        self.at += usize::from(is_next);
        is_next.then_some(())
    }

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        self.at += self.bytes.get(self.at..)?.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        self.bytes.get(self.at).copied()
    }
}
