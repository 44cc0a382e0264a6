//! Names of files that others chose, made safe to show and to save.

/// Most bytes of a name, which every common file system takes.
const NAME_BYTES: usize = 200;
/// Most bytes of an ending that survives shortening, its dot included.
const ENDING_BYTES: usize = 16;
/// For a file without a usable name.
const NAMELESS: &str = "file";

/// A name that is one plain name on every system: no path, no control, direction or invisible
/// characters, no name of a device, no dot at its ends, at most 200 bytes. Never empty.
#[must_use]
pub fn safe(name: &str) -> String {
    // What stands before a separator is a path, which says nothing about the file.
    let last = name
        .rsplit(['/', '\\'])
        .find(|part| !part.trim_matches(is_edge).is_empty())
        .unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|character| !is_invisible(*character))
        .map(|character| match character {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
            character if character.is_whitespace() => ' ',
            character => character,
        })
        .collect();
    let trimmed = kept.trim_matches(is_edge);
    if trimmed.is_empty() {
        return NAMELESS.to_owned();
    }
    let mut safe = shorten(trimmed);
    if is_device(&safe) {
        safe.insert(0, '_');
    }
    safe
}

/// Dots at the start hide a file, and Windows drops those and spaces at the end.
fn is_edge(character: char) -> bool {
    character == '.' || character.is_whitespace() || is_invisible(character)
}

/// Control characters, and those that have no width or change the direction of others: with them
/// `gpj.exe` reads `exe.jpg` (Unicode 16, default ignorable code points and bidi controls).
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// At most [`NAME_BYTES`], the ending kept.
fn shorten(name: &str) -> String {
    if name.len() <= NAME_BYTES {
        return name.to_owned();
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if ending.len() < ENDING_BYTES => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let mut short = String::new();
    for character in stem.chars() {
        if short.len() + character.len_utf8() + ending.len() > NAME_BYTES {
            break;
        }
        short.push(character);
    }
    short.push_str(&ending);
    short
}

/// Whether Windows would open a device under this name, whatever its ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        let rest = stem.strip_prefix(prefix);
        rest.is_some_and(|rest| {
            let mut characters = rest.chars();
            let is_number = |c: char| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³');
            characters.next().is_some_and(is_number) && characters.next().is_none()
        })
    };
    matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || numbered("COM")
        || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_stay() {
        for name in [
            "a.txt",
            "Ferien 2026.jpeg",
            "写真.png",
            "naïve résumé.pdf",
            "a.tar.gz",
            "com10.txt",
        ] {
            assert_eq!(safe(name), name);
        }
    }

    #[test]
    fn names_that_mean_something_else_are_made_plain() {
        for (name, plain) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system32\\evil.exe", "evil.exe"),
            ("/absolute", "absolute"),
            ("folder/", "folder"),
            ("..", "file"),
            ("/", "file"),
            ("", "file"),
            (" . ", "file"),
            (".bashrc", "bashrc"),
            ("...a.txt...", "a.txt"),
            ("a\u{0}b\nc.txt", "abc.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("in\u{200b}visible\u{feff}.txt", "invisible.txt"),
            ("tag\u{e0041}ged", "tagged"),
            ("\u{200b}/\u{202e}", "file"),
            ("a:b*c?.txt", "a_b_c_.txt"),
            ("a\u{2003}b\u{a0}c", "a b c"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("LPT³", "_LPT³"),
            ("aux .txt", "_aux .txt"),
        ] {
            assert_eq!(safe(name), plain, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = safe(&format!("{}.jpeg", "é".repeat(500)));
        assert!(
            long.len() <= NAME_BYTES && long.ends_with("é.jpeg"),
            "{long}"
        );
        let odd = safe(&format!("a.{}", "b".repeat(500)));
        assert_eq!(odd.len(), NAME_BYTES);
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_plain_name(name in any::<String>()) {
            let safe = safe(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= NAME_BYTES + 1);
            prop_assert!(!safe.contains(['/', '\\', ':', '\0']));
            prop_assert!(!safe.starts_with(is_edge) && !safe.ends_with(is_edge));
            prop_assert!(!safe.chars().any(is_invisible));
            prop_assert!(!is_device(&safe));
            prop_assert_eq!(super::safe(&safe), safe.clone());
        }
    }
}
