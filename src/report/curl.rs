//! A request as the shell line that repeats it.
//!
//! Only what was sent is put into the line, never a byte of an answer, and every part of it is quoted: the
//! shell expands nothing but `${name}`, the mark that stands in an exchange for a secret.

use crate::exchange::Request;

use super::escape::{is_hostile, thousands};

/// The longest URL, header field or body that is written into a line, in bytes.
const LIMIT: usize = 8192;

/// The line for a POSIX shell that sends the request again with `curl`. A secret comes from the shell
/// variable of its name; the shell refuses the line while that is not set. The line has no control
/// characters. A request that `curl` cannot repeat gives a comment that says why.
pub fn curl(request: &Request) -> String {
    if let Some(why) = unrepeatable(request) {
        return format!("# curl cannot repeat this request: {why}");
    }
    let (method, url) = (request.method.as_str(), request.url.as_str());
    // A HEAD request sent by -X would wait for a body.
    let mut line = if method == "HEAD" {
        "curl -i --head".to_owned()
    } else {
        format!("curl -i -X {}", bare_or_quoted(method))
    };
    // Without these curl reads brackets and braces as a pattern, and takes dot segments out.
    if url.contains(['[', ']', '{', '}']) {
        line.push_str(" --globoff");
    }
    if url.contains("/.") {
        line.push_str(" --path-as-is");
    }
    line.push(' ');
    line.push_str(&word(url));
    for (name, value) in &request.headers {
        // `Name:` would remove the field; `Name;` sends it empty.
        let field = if value.is_empty() {
            format!("{name};")
        } else {
            format!("{name}: {value}")
        };
        line.push_str(" -H ");
        line.push_str(&word(&field));
    }
    if request.body.is_empty() {
        return line;
    }
    if !request
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        // Otherwise curl claims a form.
        line.push_str(" -H 'Content-Type:'");
    }
    if request.body.len() > LIMIT {
        return format!(
            "{line} --data-binary @body  # put the {} bytes of the body into the file `body` first",
            thousands(request.body.len())
        );
    }
    match std::str::from_utf8(&request.body) {
        Ok(body)
            if !body.contains(|character| {
                is_hostile(character) || matches!(character, '\t' | '\n')
            }) =>
        {
            format!("{line} --data-raw {}", word(body))
        }
        _ => format!("{} | {line} --data-binary @-", printf(&request.body)),
    }
}

/// What keeps `curl` from sending the same bytes.
fn unrepeatable(request: &Request) -> Option<String> {
    let unusable = ['\0', '\r', '\n'];
    if !request.url.starts_with("http://") && !request.url.starts_with("https://") {
        return Some("its URL is not absolute".to_owned());
    }
    if request.url.contains(unusable) {
        return Some("its URL has a line break or a NUL".to_owned());
    }
    if request.url.len() > LIMIT {
        return Some(format!(
            "its URL is too long for a line, {} bytes",
            thousands(request.url.len())
        ));
    }
    if !request.method.bytes().all(is_token) || request.method.is_empty() {
        return Some("its method is no token".to_owned());
    }
    for (name, value) in &request.headers {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Some("a header name is no token".to_owned());
        }
        if value.contains(unusable) {
            return Some(format!("the header {name} has a line break or a NUL"));
        }
        if value.len() > LIMIT {
            return Some(format!(
                "the header {name} is too long for a line, {} bytes",
                thousands(value.len())
            ));
        }
    }
    None
}

/// Whether the byte may stand in a method or a field name (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn bare_or_quoted(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        text.to_owned()
    } else {
        word(text)
    }
}

/// One word of a POSIX shell that gives the text, with every `${name}` taken from the shell's variables.
/// The text must not contain NUL. A newline stays one; other control characters are written by `printf`.
///
/// A word is a row of pieces: `'literal'"${secret:?}"'literal'`. Within single quotes nothing is special,
/// not even `!` to an interactive shell, which a backslash within double quotes would not take away.
fn word(text: &str) -> String {
    let mut word = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Secret(name) => word.push_str(&format!("\"${{{name}:?}}\"")),
            Piece::Literal(text) => literal(text, &mut word),
        }
    }
    if word.is_empty() {
        "''".to_owned()
    } else {
        word
    }
}

fn literal(text: &str, word: &mut String) {
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.find(is_controlling).unwrap_or(rest.len());
        if plain > 0 {
            word.push_str(&format!("'{}'", rest[..plain].replace('\'', "'\\''")));
        }
        rest = &rest[plain..];
        let hostile = rest
            .find(|character| !is_controlling(character))
            .unwrap_or(rest.len());
        if hostile > 0 {
            let octal: String = rest[..hostile]
                .bytes()
                .map(|byte| format!("\\{byte:03o}"))
                .collect();
            word.push_str(&format!("\"$(printf '{octal}')\""));
        }
        rest = &rest[hostile..];
    }
}

/// Whether a word must not carry the character as it is. A newline must not go through `$(…)`, which
/// takes it off the end.
fn is_controlling(character: char) -> bool {
    is_hostile(character) || character == '\t'
}

/// The `printf` that writes the bytes, whatever they are.
fn printf(body: &[u8]) -> String {
    // `%b` reads escapes, for what is spelled out here; `%s` takes a secret as it is, backslashes and all.
    let mut format = String::new();
    let mut arguments = String::new();
    let mut literal = String::new();
    let mut end_literal = |literal: &mut String, next: Option<&str>| {
        if !literal.is_empty() {
            format.push_str("%b");
            arguments.push_str(&format!(" '{}'", std::mem::take(literal)));
        }
        if let Some(name) = next {
            format.push_str("%s");
            arguments.push_str(&format!(" \"${{{name}:?}}\""));
        }
    };
    for chunk in body.utf8_chunks() {
        for piece in pieces(chunk.valid()) {
            match piece {
                Piece::Secret(name) => end_literal(&mut literal, Some(name)),
                Piece::Literal(text) => text
                    .chars()
                    .for_each(|character| for_printf(character, &mut literal)),
            }
        }
        for byte in chunk.invalid() {
            literal.push_str(&format!("\\0{byte:03o}"));
        }
    }
    end_literal(&mut literal, None);
    format!("printf '{format}'{arguments}")
}

fn for_printf(character: char, argument: &mut String) {
    match character {
        '\n' => argument.push_str("\\n"),
        '\t' => argument.push_str("\\t"),
        '\\' => argument.push_str("\\\\"),
        '\'' => argument.push_str("'\\''"),
        hostile if is_hostile(hostile) => hostile
            .encode_utf8(&mut [0; 4])
            .bytes()
            .for_each(|byte| argument.push_str(&format!("\\0{byte:03o}"))),
        plain => argument.push(plain),
    }
}

/// A part of a text that was sent.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// Sent as it stands.
    Literal(&'a str),
    /// The name of the variable whose value was sent.
    Secret(&'a str),
}

/// The text cut at every `${name}`. A name that no shell takes for a variable leaves the text literal.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal, mut search) = (0, 0);
    while let Some(found) = text[search..].find("${") {
        let open = search + found;
        let name = &text[open + 2..];
        let length = name
            .bytes()
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
            .count();
        search = open + 2;
        if length > 0
            && name.as_bytes().get(length) == Some(&b'}')
            && !name.as_bytes()[0].is_ascii_digit()
        {
            if literal < open {
                pieces.push(Piece::Literal(&text[literal..open]));
            }
            pieces.push(Piece::Secret(&name[..length]));
            search = open + 2 + length + 1;
            literal = search;
        }
    }
    if literal < text.len() {
        pieces.push(Piece::Literal(&text[literal..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What a shell makes of a script, with the secrets set.
    fn shell(script: &str) -> Vec<u8> {
        let output = Command::new("sh")
            .arg("-c")
            .arg(script)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("token", SECRET)
            .output()
            .expect("this test needs the POSIX shell `sh` in PATH, and never passes without it");
        assert!(
            output.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    const SECRET: &str = "s3'cr\\et `id` $(id) \"!";

    /// Texts of up to 23 pieces of what shells, `printf` and `curl` find special, without a secret.
    fn texts(count: usize) -> Vec<String> {
        const ALPHABET: [&str; 30] = [
            "a",
            "'",
            "\"",
            "$",
            "`",
            "\\",
            "!",
            "\n",
            "\t",
            "\r",
            "\u{1b}",
            "\u{1}",
            "\u{7f}",
            "\u{9b}",
            "\u{202e}",
            "\u{ffff}",
            "池",
            " ",
            "$(id)",
            "${HOME}",
            "${token",
            "$token",
            "{",
            "}",
            "%s",
            "\\0",
            "0",
            "7",
            "\\c",
            ";&|<>*?[]#~",
        ];
        // A linear congruence (Knuth's MMIX): the same texts on every machine.
        let mut state = 20_u64;
        let mut next = move |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let texts = (0..count).map(|length| {
            (0..length % 24)
                .map(|_| ALPHABET[next(30) as usize])
                .collect()
        });
        texts
            .filter(|text: &String| {
                !pieces(text)
                    .iter()
                    .any(|piece| matches!(piece, Piece::Secret(_)))
            })
            .collect()
    }

    #[test]
    fn a_shell_reads_every_word_as_the_text_it_was() {
        let texts = texts(480);
        let script: String = texts
            .iter()
            .map(|text| format!("printf %s {}; printf '\\000'\n", word(text)))
            .collect();
        let read = shell(&script);
        let read: Vec<&[u8]> = read.split(|byte| *byte == 0).collect();
        assert_eq!(read.len(), texts.len() + 1);
        for (text, read) in texts.iter().zip(read) {
            assert_eq!(String::from_utf8_lossy(read), *text, "{}", word(text));
        }
    }

    #[test]
    fn a_shell_writes_every_body_as_the_bytes_it_was() {
        let mut bodies: Vec<Vec<u8>> = texts(120).into_iter().map(String::into_bytes).collect();
        bodies.push((0..=255).collect());
        bodies.push(b"a\0b\xff\xfe1\xed\xa0\x80\n\n".to_vec());
        for body in bodies.iter().filter(|body| !body.is_empty()) {
            assert_eq!(shell(&printf(body)), *body, "{}", printf(body));
        }
    }

    #[test]
    fn a_secret_comes_from_the_variable_of_its_name_and_from_nowhere_else() {
        for (text, quoted, read) in [
            (
                "Bearer ${token}",
                "'Bearer '\"${token:?}\"",
                format!("Bearer {SECRET}"),
            ),
            (
                "${token}$token${token}!",
                "\"${token:?}\"'$token'\"${token:?}\"'!'",
                format!("{SECRET}$token{SECRET}!"),
            ),
            (
                "${HOME} ${token ${to-ken} ${1a} ${} ${token:-x}",
                "'${HOME} ${token ${to-ken} ${1a} ${} ${token:-x}'",
                "${HOME} ${token ${to-ken} ${1a} ${} ${token:-x}".to_owned(),
            ),
            (
                "${${token}}",
                "'${'\"${token:?}\"'}'",
                format!("${{{SECRET}}}"),
            ),
        ] {
            assert_eq!(word(text), quoted);
            assert_eq!(
                String::from_utf8_lossy(&shell(&format!("printf %s {quoted}"))),
                read
            );
        }
        assert_eq!(
            printf(b"\\${token}\n"),
            "printf '%b%s%b' '\\\\' \"${token:?}\" '\\n'"
        );
        assert_eq!(
            shell(&printf(b"\\${token}\n")),
            format!("\\{SECRET}\n").into_bytes()
        );
    }

    #[test]
    fn a_line_whose_secret_is_not_set_sends_nothing() {
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("printf %s {}", word("x${nowhere_set}")))
            .output()
            .expect("this test needs the POSIX shell `sh` in PATH, and never passes without it");
        assert!(!output.status.success() && output.stdout.is_empty());
    }

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.to_vec(),
        }
    }

    #[test]
    fn requests_become_lines() {
        for (request, line) in [
            (
                request(
                    "DELETE",
                    "http://h/v2.0/pools/1",
                    &[("X-Auth-Token", "${token}")],
                    b"",
                ),
                "curl -i -X DELETE 'http://h/v2.0/pools/1' -H 'X-Auth-Token: '\"${token:?}\"",
            ),
            (
                request(
                    "POST",
                    "http://h/p",
                    &[("content-type", "application/json")],
                    br#"{"a":"it's"}"#,
                ),
                r#"curl -i -X POST 'http://h/p' -H 'content-type: application/json' --data-raw '{"a":"it'\''s"}'"#,
            ),
            (
                request("PUT", "http://h/p", &[], b"@file"),
                "curl -i -X PUT 'http://h/p' -H 'Content-Type:' --data-raw '@file'",
            ),
            (
                request(
                    "PUT",
                    "http://h/p",
                    &[("content-type", "text/plain")],
                    b"a\n",
                ),
                "printf '%b' 'a\\n' | curl -i -X PUT 'http://h/p' -H 'content-type: text/plain' --data-binary @-",
            ),
            (
                request("HEAD", "http://h/a/../b?c[]={1}", &[("Accept", "")], b""),
                "curl -i --head --globoff --path-as-is 'http://h/a/../b?c[]={1}' -H 'Accept;'",
            ),
            (
                request("M-SEARCH", "http://h/", &[], b""),
                "curl -i -X 'M-SEARCH' 'http://h/'",
            ),
        ] {
            assert_eq!(curl(&request), line);
        }
    }

    #[test]
    fn what_curl_cannot_repeat_is_said_and_not_guessed() {
        for (request, why) in [
            (
                request("GET", "-o/etc/passwd", &[], b""),
                "its URL is not absolute",
            ),
            (
                request("GET", "http://h/\nrm", &[], b""),
                "its URL has a line break or a NUL",
            ),
            (
                request("GET", "http://h/", &[("a", "b\r\nc: d")], b""),
                "the header a has a line break or a NUL",
            ),
            (
                request("GET", "http://h/", &[("@/etc/passwd", "b")], b""),
                "a header name is no token",
            ),
            (
                request("GE T", "http://h/", &[], b""),
                "its method is no token",
            ),
            (
                request("GET", &format!("http://h/{}", "a".repeat(9000)), &[], b""),
                "its URL is too long for a line, 9,009 bytes",
            ),
            (
                request("GET", "http://h/", &[("a", &"b".repeat(9000))], b""),
                "the header a is too long for a line, 9,000 bytes",
            ),
        ] {
            assert_eq!(
                curl(&request),
                format!("# curl cannot repeat this request: {why}")
            );
        }
        let large = curl(&request("POST", "http://h/", &[], &vec![b'x'; 5 << 20]));
        assert_eq!(
            large,
            "curl -i -X POST 'http://h/' -H 'Content-Type:' --data-binary @body  # put the 5,242,880 bytes of the body into the file `body` first"
        );
    }

    #[test]
    fn no_line_carries_a_control_character() {
        for text in texts(240) {
            let line = curl(&request(
                "POST",
                &format!("http://h/{text}"),
                &[("a", &text)],
                text.as_bytes(),
            ));
            assert!(!line.contains(|character| is_hostile(character) || matches!(character, '\n' | '\t')), "{line}");
        }
    }
}
