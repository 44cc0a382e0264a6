//! Parts of files in HTTP headers (RFC 9110, 14).

/// What a request wants of a file of some length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: nothing else was asked for, or something that we do not know.
    All,
    /// From the first position up to the last, both included.
    Part(u64, u64),
    /// Nothing that the file has.
    Nothing,
}

/// Reads a `Range`: one range of bytes. Several may be answered with everything, and are.
pub(super) fn wanted(header: &str, length: u64) -> Wanted {
    let Some(range) = header.trim().strip_prefix("bytes=") else {
        return Wanted::All;
    };
    let Some((first, last)) = range.split_once('-') else {
        return Wanted::All;
    };
    let number = |text: &str| text.trim().parse::<u64>();
    let end = length.saturating_sub(1);
    let (first, last) = match (number(first), number(last)) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(end)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, end),
        (Err(_), Ok(0)) if first.trim().is_empty() => return Wanted::Nothing,
        (Err(_), Ok(count)) if first.trim().is_empty() => (length.saturating_sub(count), end),
        _ => return Wanted::All,
    };
    if first < length {
        Wanted::Part(first, last)
    } else {
        Wanted::Nothing
    }
}

/// Reads a `Content-Range: bytes FIRST-LAST/LENGTH`; `None` for anything else. Gives the first
/// position and the length.
pub(super) fn sent(header: &str) -> Option<(u64, u64)> {
    let (range, length) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length: u64 = length.parse().ok()?;
    (first <= last && last < length).then_some((first, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read() {
        for (header, expected) in [
            ("bytes=0-", Wanted::Part(0, 9)),
            ("bytes=4-6", Wanted::Part(4, 6)),
            ("bytes=4-600", Wanted::Part(4, 9)),
            ("bytes=-3", Wanted::Part(7, 9)),
            ("bytes=-30", Wanted::Part(0, 9)),
            ("bytes=9-9", Wanted::Part(9, 9)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=6-4", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::All),
            ("lines=1-2", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(wanted(header, 10), expected, "{header}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }

    #[test]
    fn where_a_sent_part_belongs_is_read() {
        assert_eq!(sent("bytes 4-9/10"), Some((4, 10)));
        for bad in [
            "bytes 4-9/*",
            "bytes 9-4/10",
            "bytes 4-10/10",
            "4-9/10",
            "bytes */10",
            "",
        ] {
            assert_eq!(sent(bad), None, "{bad}");
        }
    }
}
