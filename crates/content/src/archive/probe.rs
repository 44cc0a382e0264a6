//! The entry point that fuzzing and the tests on stable share.

use super::{ArchiveKey, ArchiveReader, ArchiveWriter, Element, Metadata};

/// Reads any bytes as the file of an archive, and their parts as what stands in one under its key;
/// the first byte chooses the size of the pieces. Whether an archive begins with what was written.
#[must_use]
pub fn probe_archive(data: &[u8]) -> bool {
    let size = data.first().map_or(1, |byte| usize::from(*byte) + 1);
    read(data, size);
    let key = ArchiveKey::new([7; 32]);
    let metadata = Metadata::default();
    let Ok(mut writer) = ArchiveWriter::new(&key, [0; 12], &metadata, false) else {
        return false;
    };
    for part in data.chunks(size) {
        if writer.write_plain(part).is_err() {
            return false;
        }
    }
    let Ok(mut bytes) = writer.finish("") else {
        return false;
    };
    let begins = read(&bytes, size) == Some(Element::Metadata(metadata));
    // Damaged at a place that the bytes choose.
    let at = data
        .iter()
        .take(4)
        .fold(0_usize, |at, byte| at << 8 | usize::from(*byte));
    let length = bytes.len();
    if let Some(byte) = bytes.get_mut(at % length.max(1)) {
        *byte ^= 0x11;
    }
    read(&bytes, size);
    begins
}

/// Reads all there is in pieces of this size; the first element.
fn read(bytes: &[u8], size: usize) -> Option<Element> {
    let mut reader = ArchiveReader::new(&ArchiveKey::new([7; 32]), true);
    let mut first = None;
    for mut piece in bytes.chunks(size) {
        loop {
            match reader.read(&mut piece) {
                Ok(Some(element)) => first = first.or(Some(element)),
                Ok(None) => break,
                Err(_) => return first,
            }
        }
    }
    let _ = reader.finish();
    first
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_as_a_file_and_as_elements(
            data in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            prop_assert!(probe_archive(&data));
        }
    }
}
