//! Foreign text made harmless. What cannot be shown is spelled out, never dropped.

/// The place kept for the note on what was cut, in bytes.
const NOTE: usize = 48;

/// Above this size a body is shown as it came, without asking whether it is JSON.
const JSON_LIMIT: usize = 1 << 20;

/// Whether a character must be spelled out: it would move the cursor, change how the text around it is
/// read, or is no character at all. Tab and newline are left to the caller.
pub(super) fn is_hostile(character: char) -> bool {
    match character {
        '\t' | '\n' => false,
        // C0, DEL and C1.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        // Separators that some terminals and editors take for a line break; overrides and isolates of writing direction.
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // No characters (Unicode 16.0, section 23.7); U+FFFE and U+FFFF are those that XML 1.0 forbids.
        '\u{fdd0}'..='\u{fdef}' => true,
        _ => (u32::from(character) & 0xfffe) == 0xfffe,
    }
}

/// The text with everything spelled out (`\u{1b}`) that could steer a terminal. Tab and newline stay.
pub fn terminal(text: &str) -> String {
    spelled(text, is_hostile)
}

/// The same on one line: tab and newline are spelled out too, so that no text can pose as a line of its own.
pub fn line(text: &str) -> String {
    spelled(text, |character| {
        is_hostile(character) || matches!(character, '\t' | '\n')
    })
}

/// The text with everything spelled out (`\u{1}`) that XML 1.0 does not know as a character (`Char`,
/// section 2.2). Markup is not escaped: that is the XML writer's work.
pub fn xml(text: &str) -> String {
    spelled(
        text,
        |character| !matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}'),
    )
}

/// The text with the characters that `hostile` picks spelled out. The visible ones of ASCII never are.
fn spelled(text: &str, hostile: impl Fn(char) -> bool) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if hostile(character) {
            spell(character, &mut shown);
        } else {
            shown.push(character);
        }
    }
    shown
}

fn spell(character: char, shown: &mut String) {
    shown.push_str(&character.escape_unicode().to_string());
}

/// Text of at most `limit` characters; the last is `…` when something was cut.
pub(super) fn clamp(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text
            .chars()
            .take(limit.saturating_sub(1))
            .chain(['…'])
            .collect(),
    }
}

/// A body fit to be shown: JSON with one member a line, bytes that are not UTF-8 as `\xff`, hostile
/// characters spelled out, at most `limit` bytes. What was cut is told in a last line of its own.
pub fn excerpt(bytes: &[u8], limit: usize) -> String {
    let mut shown = Bounded {
        text: String::new(),
        limit,
        full: false,
    };
    if bytes.len() <= JSON_LIMIT && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        indent(bytes, &mut shown);
    } else {
        shown.lossy(bytes);
    }
    shown.finish(bytes.len())
}

/// A text that stops growing at its limit.
struct Bounded {
    text: String,
    limit: usize,
    full: bool,
}

impl Bounded {
    fn push(&mut self, piece: &str) {
        if self.full || self.text.len() + piece.len() > self.limit {
            self.full = true;
        } else {
            self.text.push_str(piece);
        }
    }

    fn lossy(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                if is_hostile(character) {
                    self.push(&character.escape_unicode().to_string());
                } else {
                    self.push(character.encode_utf8(&mut [0; 4]));
                }
                if self.full {
                    return;
                }
            }
            for byte in chunk.invalid() {
                self.push(&format!("\\x{byte:02x}"));
            }
        }
    }

    /// The text, and when it was cut, how long the whole is.
    fn finish(mut self, bytes: usize) -> String {
        if self.full {
            let mut keep = self.limit.saturating_sub(NOTE).min(self.text.len());
            while !self.text.is_char_boundary(keep) {
                keep -= 1;
            }
            self.text.truncate(keep);
            self.text.truncate(self.text.trim_end().len());
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text
                .push_str(&format!("… {} bytes in all", thousands(bytes)));
        }
        self.text
    }
}

/// JSON that is known to be well formed, one member a line. Works on the text and not on values: numbers,
/// repeated keys and escapes stay as the endpoint wrote them.
fn indent(json: &[u8], shown: &mut Bounded) {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < json.len() && !shown.full {
        match json[at] {
            b'"' => {
                let end = string_end(json, at);
                shown.lossy(&json[at..end]);
                at = end;
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            opening @ (b'{' | b'[') => {
                let inside = json[at + 1..]
                    .iter()
                    .position(|byte| !byte.is_ascii_whitespace())
                    .map_or(json.len(), |skip| at + 1 + skip);
                if matches!(json.get(inside), Some(b'}' | b']')) {
                    shown.push(if opening == b'{' { "{}" } else { "[]" });
                    at = inside;
                } else {
                    depth += 1;
                    shown.push(if opening == b'{' { "{" } else { "[" });
                    break_line(depth, shown);
                }
            }
            closing @ (b'}' | b']') => {
                depth = depth.saturating_sub(1);
                break_line(depth, shown);
                shown.push(if closing == b'}' { "}" } else { "]" });
            }
            b',' => {
                shown.push(",");
                break_line(depth, shown);
            }
            b':' => shown.push(": "),
            other => shown.push(char::from(other).encode_utf8(&mut [0; 4])),
        }
        at += 1;
    }
}

fn break_line(depth: usize, shown: &mut Bounded) {
    shown.push("\n");
    shown.push(&"  ".repeat(depth));
}

/// The place after the closing quote of the string that opens at `start`.
fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < json.len() {
        match json[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    json.len()
}

/// A count with a comma every three digits.
pub(super) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_character_and_loses_none() {
        for (given, shown) in [
            ("plain, één, 池", "plain, één, 池"),
            ("tab\tand\nnewline", "tab\tand\nnewline"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("a\rb\0c\u{7f}", "a\\u{d}b\\u{0}c\\u{7f}"),
            ("\u{85}\u{9b}1m", "\\u{85}\\u{9b}1m"),
            (
                "\u{202e}gnp.exe\u{2066}\u{2069}",
                "\\u{202e}gnp.exe\\u{2066}\\u{2069}",
            ),
            (
                "\u{2028}\u{fffe}\u{ffff}\u{1fffe}",
                "\\u{2028}\\u{fffe}\\u{ffff}\\u{1fffe}",
            ),
        ] {
            assert_eq!(terminal(given), shown);
            assert_eq!(terminal(shown), shown, "shown twice it stays the same");
        }
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line("one\n57 passed\tx"), "one\\u{a}57 passed\\u{9}x");
    }

    #[test]
    fn every_character_outside_xml_1_0_is_spelled_out_and_no_other_is() {
        for code in 0..=0x10_ffff {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let legal = matches!(code, 0x9 | 0xa | 0xd | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff);
            let shown = xml(&character.to_string());
            if legal {
                assert_eq!(shown, character.to_string());
            } else {
                assert_eq!(shown, format!("\\u{{{code:x}}}"));
            }
        }
        assert_eq!(xml("]]> &#0; <script>"), "]]> &#0; <script>");
    }

    #[test]
    fn json_is_shown_one_member_a_line_and_exactly_as_written() {
        let shown = excerpt(
            br#"{"a":[1.10,12345678901234567890123],"a":"x\u0000,{","e":{ },"l":[]}"#,
            4096,
        );
        assert_eq!(
            shown,
            "{\n  \"a\": [\n    1.10,\n    12345678901234567890123\n  ],\n  \"a\": \"x\\u0000,{\",\n  \"e\": {},\n  \"l\": []\n}"
        );
    }

    #[test]
    fn a_body_that_is_no_json_is_shown_as_it_is() {
        for (given, shown) in [
            (&b""[..], ""),
            (b"<html>\n</html>", "<html>\n</html>"),
            (b"{\"a\":", "{\"a\":"),
            (b"a\xff\xed\xa0\x80b", "a\\xff\\xed\\xa0\\x80b"),
            (b"\x1b[2J", "\\u{1b}[2J"),
        ] {
            assert_eq!(excerpt(given, 100), shown);
        }
    }

    #[test]
    fn a_long_body_is_cut_and_says_how_long_it_is() {
        let shown = excerpt(&vec![b'x'; 5 << 20], 2048);
        assert!(shown.len() <= 2048, "{}", shown.len());
        assert!(shown.ends_with("xxx\n… 5,242,880 bytes in all"));
        for limit in [49, 60, 2048] {
            for body in [
                "池".repeat(4000).into_bytes(),
                vec![0; 4000],
                format!("[{}1]", "1,".repeat(4000)).into_bytes(),
                vec![b'['; 4000],
            ] {
                let shown = excerpt(&body, limit);
                assert!(
                    shown.len() <= limit && shown.contains("bytes in all"),
                    "{limit}: {shown}"
                );
            }
        }
        assert_eq!(excerpt(b"exactly fits", 12), "exactly fits");
    }

    #[test]
    fn counts_are_grouped_by_three() {
        for (count, shown) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (123_456, "123,456"),
            (5_242_880, "5,242,880"),
        ] {
            assert_eq!(thousands(count), shown);
        }
    }

    #[test]
    fn clamping_marks_what_it_cut() {
        assert_eq!(clamp("池池池", 3), "池池池");
        assert_eq!(clamp("池池池池", 3), "池池…");
    }
}
