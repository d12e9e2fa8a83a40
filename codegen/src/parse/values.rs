//! The values of literals.

/// Of a decimal, `0x` or octal number; `None` beyond 64 bits.
pub(super) fn unsigned(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// Of such a number with or without a sign.
pub(crate) fn int_value(text: &str) -> Option<i128> {
    match text.strip_prefix('-') {
        Some(positive) => unsigned(positive).map(|value| -i128::from(value)),
        None => unsigned(text).map(i128::from),
    }
}

/// As [`unescaped`]. What is not UTF-8 comes back as bytes.
pub(crate) fn unescape(text: &str) -> Result<String, Vec<u8>> {
    String::from_utf8(unescaped(text)).map_err(|error| error.into_bytes())
}

/// Of one or more strings in quotes, with blanks in between.
pub(super) fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [quote @ (b'"' | b'\''), inner @ ..] = rest {
        rest = inner;
        while let [first, inner @ ..] = rest {
            rest = inner;
            match first {
                first if first == quote => break,
                b'\\' => rest = escape(rest, &mut bytes),
                other => bytes.push(*other),
            }
        }
        rest = rest.trim_ascii_start();
    }
    bytes
}

/// What stands behind a backslash; returns what follows it.
fn escape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((&kind, rest)) = text.split_first() else { return text };
    let plain = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'0'..=b'7' => return digits(text, 8, 3, |value| out.push(value as u8)),
        b'x' | b'X' => return digits(rest, 16, 2, |value| out.push(value as u8)),
        b'u' | b'U' => {
            let push = |value| {
                let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            };
            return digits(rest, 16, if kind == b'u' { 4 } else { 8 }, push);
        }
        other => other,
    };
    out.push(plain);
    rest
}

/// Up to `max` digits; returns what follows them.
fn digits(text: &[u8], radix: u32, max: usize, mut push: impl FnMut(u32)) -> &[u8] {
    let is_digit = |c: &&u8| char::from(**c).is_digit(radix);
    let len = text.iter().take(max).take_while(is_digit).count();
    let value = text[..len].iter().filter_map(|&c| char::from(c).to_digit(radix));
    push(value.fold(0_u32, |sum, digit| sum.wrapping_mul(radix) | digit));
    &text[len..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, value) in [("0", 0), ("010", 8), ("-0x10", -16), ("-9223372036854775808", i128::from(i64::MIN))] {
            assert_eq!(int_value(text), Some(value), "{text}");
        }
        assert_eq!(int_value("1.5"), None);
    }

    #[test]
    fn strings() {
        for (text, value) in [
            (r#""a" 'b'"#, "ab"),
            (r#""\"\n\x41\101\u00e9\U0001F600\?""#, "\"\nAA\u{e9}\u{1f600}?"),
            (r#"'say "x"'"#, "say \"x\""),
            (r#""\1112""#, "I2"),
        ] {
            assert_eq!(unescape(text), Ok(value.to_owned()), "{text}");
        }
        assert_eq!(unescape(r#""\377\x0""#), Err(vec![0xff, 0]));
    }
}
