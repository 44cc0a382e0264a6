//! Writing an archive, element by element.

use conclave_proto::device_sync::{ArchiveTrailer, BackupElement, backup_element};
use prost::Message;
use zstd::stream::raw::{Encoder, InBuffer, Operation, OutBuffer};

use super::{
    ArchiveError, ArchiveKey, HEADER_BYTES, MAX_FOREIGN_ELEMENT_BYTES, NONCE_BYTES, VERSION,
    element::{Element, Metadata},
    frame::{Frames, LENGTH_BYTES, Tally},
};

/// Encrypted bytes do not shrink; more effort would only take time.
const LEVEL: i32 = 1;
/// Bytes that the compressor hands out at a time.
const OUTPUT_BYTES: usize = 16 * 1024;
/// Frames above so many bytes get padding before them (device-sync.md 3.7).
const UNPADDED_BYTES: usize = 900;
/// One frame of padding for so many bytes of a long frame.
const BYTES_PER_PADDING: usize = 400;

/// Writes an archive. What is finished so far is taken with [`ArchiveWriter::take`]; whoever takes
/// it after each element has some hundred kilobytes in memory.
pub struct ArchiveWriter {
    frames: Frames,
    encoder: Encoder<'static>,
    tally: Tally,
    largest: usize,
    frame: Vec<u8>,
    output: Vec<u8>,
}

impl ArchiveWriter {
    /// Begins an archive. `nonce`: 12 random bytes, together with `key` never used before.
    /// `is_foreign`: official clients may read it, so elements above
    /// [`MAX_FOREIGN_ELEMENT_BYTES`] are refused.
    ///
    /// # Errors
    /// [`ArchiveError::Compression`].
    pub fn new(
        key: &ArchiveKey,
        nonce: [u8; NONCE_BYTES],
        metadata: &Metadata,
        is_foreign: bool,
    ) -> Result<Self, ArchiveError> {
        let mut output = Vec::with_capacity(OUTPUT_BYTES);
        output.extend_from_slice(&VERSION.to_le_bytes());
        output.extend_from_slice(&nonce);
        debug_assert_eq!(output.len(), HEADER_BYTES);
        let mut writer = Self {
            frames: Frames::new(key, nonce),
            encoder: Encoder::new(LEVEL).map_err(|_| ArchiveError::Compression)?,
            tally: Tally::default(),
            largest: if is_foreign {
                MAX_FOREIGN_ELEMENT_BYTES
            } else {
                usize::MAX
            },
            frame: Vec::new(),
            output,
        };
        writer.write_plain(&Element::Metadata(metadata.clone()).encode().encode_to_vec())?;
        Ok(writer)
    }

    /// Writes the next element.
    ///
    /// # Errors
    /// [`ArchiveError::TooLarge`]: nothing was written, and others still can be;
    /// [`ArchiveError::Compression`].
    pub fn write(&mut self, element: &Element) -> Result<(), ArchiveError> {
        let plain = element.encode().encode_to_vec();
        if plain.len() > self.largest {
            return Err(ArchiveError::TooLarge);
        }
        self.write_plain(&plain)
    }

    /// Takes what is finished since the last call.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Writes the trailer, which says whose history it is, and ends the archive. Returns what was
    /// not taken yet.
    ///
    /// # Errors
    /// [`ArchiveError::Compression`].
    pub fn finish(mut self, inbox_id: &str) -> Result<Vec<u8>, ArchiveError> {
        let trailer = BackupElement {
            element: Some(backup_element::Element::Trailer(ArchiveTrailer {
                count: self.tally.count,
                sha256: self.tally.sha256().to_vec(),
                inbox_id: inbox_id.to_owned(),
            })),
        };
        self.seal(&trailer.encode_to_vec())?;
        loop {
            let mut piece = [0; OUTPUT_BYTES];
            let mut buffer = OutBuffer::around(piece.as_mut_slice());
            let left = self
                .encoder
                .finish(&mut buffer, true)
                .map_err(|_| ArchiveError::Compression)?;
            self.output.extend_from_slice(buffer.as_slice());
            if left == 0 {
                return Ok(self.output);
            }
        }
    }

    pub(super) fn write_plain(&mut self, plain: &[u8]) -> Result<(), ArchiveError> {
        // Official readers forget the length of a frame that has not come as a whole yet. Short
        // frames before it make them read ahead.
        let bytes = plain.len() + LENGTH_BYTES + super::frame::TAG_BYTES;
        if self.tally.count > 0 && bytes > UNPADDED_BYTES {
            for _ in 0..bytes.div_ceil(BYTES_PER_PADDING) {
                self.seal(&[])?;
            }
        }
        self.seal(plain)?;
        self.tally.add(plain);
        Ok(())
    }

    fn seal(&mut self, plain: &[u8]) -> Result<(), ArchiveError> {
        self.frame.clear();
        self.frames.seal(plain, &mut self.frame)?;
        let mut input = InBuffer::around(self.frame.as_slice());
        while input.pos() < self.frame.len() {
            let mut piece = [0; OUTPUT_BYTES];
            let mut buffer = OutBuffer::around(piece.as_mut_slice());
            self.encoder
                .run(&mut input, &mut buffer)
                .map_err(|_| ArchiveError::Compression)?;
            self.output.extend_from_slice(buffer.as_slice());
        }
        Ok(())
    }
}
