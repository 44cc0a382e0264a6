//! Versions of the official library, as groups name them.

use std::str::FromStr;

/// The libxmtp version whose rules this crate follows. Groups that ask for a higher one pause
/// (`groups.md` 4.7, 6.8). Our own product version says nothing to other clients.
pub const COMPATIBILITY_VERSION: &str = "1.10.0";

/// A version as libxmtp up to 1.10 reads it (`groups.md` 4.7): three numbers and an optional
/// suffix. Unlike semver, *no suffix is lower than any suffix*: `1.0.0` < `1.0.0-alpha`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LibraryVersion {
    major: u32,
    minor: u32,
    patch: u32,
    suffix: Option<String>,
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a version: {0:?}")]
pub struct InvalidVersion(pub String);

impl FromStr for LibraryVersion {
    type Err = InvalidVersion;

    /// Reads exactly three parts separated by dots; the third may carry `-suffix`, of which the
    /// text up to the next `-` counts.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidVersion(text.to_owned());
        let mut parts = text.split('.');
        let (Some(major), Some(minor), Some(last), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid());
        };
        let mut last = last.split('-');
        let patch = last.next().ok_or_else(invalid)?;
        let number = |part: &str| part.parse::<u32>().map_err(|_| invalid());
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            suffix: last.next().map(str::to_owned),
        })
    }
}

/// Whether a group that asks for at least `minimum` can be followed by this crate.
///
/// # Errors
/// [`InvalidVersion`] where `minimum` is no version.
pub fn supports(minimum: &str) -> Result<bool, InvalidVersion> {
    let ours: LibraryVersion = COMPATIBILITY_VERSION.parse()?;
    Ok(minimum.parse::<LibraryVersion>()? <= ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> LibraryVersion {
        text.parse().unwrap()
    }

    #[test]
    fn a_suffix_is_higher_than_none() {
        assert!(version("1.0.0-alpha") > version("1.0.0"));
        assert!(version("1.0.0-beta") > version("1.0.0-alpha"));
        assert_eq!(version("1.0.0-a-b"), version("1.0.0-a"));
        assert!(version("1.0.1") > version("1.0.0-zeta"));
        assert!(version("1.10.0") > version("1.9.9"));
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "a.b.c",
            "1.0.0-rc.1",
            "-1.0.0",
        ] {
            assert_eq!(
                text.parse::<LibraryVersion>(),
                Err(InvalidVersion(text.to_owned()))
            );
        }
    }

    #[test]
    fn our_own_version_is_the_limit() {
        assert_eq!(supports("1.10.0"), Ok(true));
        assert_eq!(supports("1.6.0"), Ok(true));
        assert_eq!(supports("1.10.0-dev"), Ok(false));
        assert_eq!(supports("1.11.0-dev"), Ok(false));
        assert!(supports("soon").is_err());
    }
}
