//! `assize init`: a target file with everything explained.

use std::io::Write as _;

use anyhow::Context as _;

use crate::aim::FILE;
use crate::args;
use crate::output::complain;

/// The target file that is written.
const TEMPLATE: &str = include_str!("assize.toml");

pub(crate) fn init(arguments: &args::Init) -> anyhow::Result<u8> {
    let path = &arguments.file;
    let created = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path);
    let mut file = created.with_context(|| {
        format!(
            "{} cannot be written; name another file, or remove it first",
            path.display()
        )
    })?;
    file.write_all(TEMPLATE.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let named = if path.as_os_str() == FILE {
        String::new()
    } else {
        format!(" --target {}", path.display())
    };
    complain(&format!(
        "{} is written; take out the marks of what you need, then: assize run --dry-run{named}\n",
        path.display()
    ));
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assize::source::Source;
    use assize::target::file::read;
    use assize::target::keys::SECTIONS;

    /// The template with the marks taken off every line that is TOML.
    fn unmarked() -> String {
        let is_key = |name: &str| {
            name.chars()
                .all(|c| c.is_ascii_lowercase() || "_.".contains(c))
        };
        let is_toml = |rest: &str| {
            rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(name, _)| is_key(name))
        };
        let lines = TEMPLATE.lines().map(|line| match line.strip_prefix("# ") {
            Some(rest) if is_toml(rest) => rest,
            _ => line,
        });
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn the_template_explains_every_key_and_is_right_with_and_without_its_marks() {
        for text in [TEMPLATE.to_owned(), unmarked()] {
            let source = Source::new(FILE, text);
            let resolve = |_: assize::target::file::Origin<'_>| Ok(Some("x".to_owned()));
            if let Err(found) = read(&source, &resolve) {
                let found: Vec<String> = found.iter().map(|it| it.render(false)).collect();
                panic!("{}", found.join("\n\n"));
            }
        }
        for (section, keys) in SECTIONS {
            for key in *keys {
                let name = key.name;
                let named = [format!("{name} ="), format!("{name}]"), format!("{name}.")];
                assert!(
                    named.iter().any(|named| TEMPLATE.contains(named.as_str())),
                    "`{name}` of [{section}] is missing"
                );
            }
        }
        for name in assize::target::keystone::NAMES {
            assert!(TEMPLATE.contains(name), "`{name}` is missing");
        }
    }
}
