//! Where a page that opens a socket comes from.

use std::net::IpAddr;

use tokio_tungstenite::tungstenite::http::Uri;

/// Whether a page of this origin may connect: one that a program on this computer serves, the
/// desktop app's, or a file. Browsers send the origin and pages can't change it; programs that are
/// no browsers send none.
pub(super) fn is_allowed(origin: &str) -> bool {
    // Browsers write the origin of files as `null`.
    if matches!(origin, "null" | "file://") {
        return true;
    }
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("tauri") => host == "localhost",
        Some("http" | "https") => {
            let address = host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>();
            matches!(host, "localhost" | "tauri.localhost")
                || address.is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_computer_is_let_in() {
        for good in [
            "null",
            "file://",
            "http://localhost:5173",
            "http://127.0.0.1:4173",
            "http://[::1]:80",
            "https://localhost",
            "tauri://localhost",
            "http://tauri.localhost",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "https://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://192.168.0.2",
            "tauri://evil.example",
            "ftp://localhost",
            "localhost",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
