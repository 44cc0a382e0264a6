//! Reading an archive from pieces of any size.

use conclave_proto::device_sync::{ArchiveTrailer, BackupElement, backup_element};
use prost::Message;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::{
    ArchiveError, ArchiveKey, HEADER_BYTES, MAX_ELEMENT_BYTES, VERSION,
    element::{Element, Metadata},
    frame::{Frames, LENGTH_BYTES, TAG_BYTES, Tally},
};

/// Decompressed bytes at a time.
const PLAIN_BYTES: usize = 16 * 1024;
/// Most memory the decompressor looks back: 2 to this power, 128 MiB, zstd's own default bound. A
/// stream that asks for more is refused.
const WINDOW_LOG: u32 = 27;

/// What an archive held, once it was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Elements, the metadata included.
    pub elements: u64,
    /// Elements among them that say nothing that is known here, or nothing that makes sense.
    pub skipped: u64,
    /// Whether it has our trailer. Without it, whole elements may be missing at the end.
    pub is_sealed: bool,
    /// Whose history it is, by our trailer.
    pub inbox_id: Option<String>,
}

/// Reads an archive. Memory: the element at hand, at most [`MAX_ELEMENT_BYTES`], and the window of
/// the compression, 128 MiB at most and 2 MiB in what official clients write.
pub struct ArchiveReader {
    key: ArchiveKey,
    may_be_legacy: bool,
    header: Vec<u8>,
    /// Once the header is there.
    body: Option<Body>,
    metadata: Option<Metadata>,
    totals: Totals,
    tally: Tally,
    failed: Option<ArchiveError>,
}

/// What comes after the header.
struct Body {
    frames: Frames,
    decoder: Decoder<'static>,
    /// Whether the decompressor has more to give without further input.
    has_more: bool,
    /// Whether the compressed stream is at its end.
    has_ended: bool,
    has_begun: bool,
    /// Decompressed bytes, of which those before `taken` are used.
    plain: Vec<u8>,
    taken: usize,
    /// The frame at hand, with its length before it.
    frame: Vec<u8>,
}

impl ArchiveReader {
    /// Begins to read. `may_be_legacy`: also archives whose elements all have one nonce are read,
    /// as the first clients wrote them. In these, elements can be exchanged or repeated by whoever
    /// keeps the file, so only for files that a person opens themselves (device-sync.md 3.1).
    #[must_use]
    pub fn new(key: &ArchiveKey, may_be_legacy: bool) -> Self {
        Self {
            key: key.clone(),
            may_be_legacy,
            header: Vec::with_capacity(HEADER_BYTES),
            body: None,
            metadata: None,
            totals: Totals::default(),
            tally: Tally::default(),
            failed: None,
        }
    }

    /// What the archive says of itself; `None` until its first element was read.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// Reads on from the next piece, and takes from `input` what it used. `None` once the piece is
    /// used up; more is to come then, or [`ArchiveReader::finish`].
    ///
    /// Elements that are authentic and still make no sense are skipped and counted.
    ///
    /// # Errors
    /// All but [`ArchiveError::Truncated`] and [`ArchiveError::Compression`]. What was read before
    /// is sound; the reader answers the same from then on.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Element>, ArchiveError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let read = self.next(input);
        if let Err(error) = read {
            self.failed = Some(error);
        }
        read
    }

    /// There is no more. Says what there was.
    ///
    /// # Errors
    /// [`ArchiveError::Truncated`], [`ArchiveError::MissingMetadata`], and what
    /// [`ArchiveReader::read`] failed with.
    pub fn finish(self) -> Result<Totals, ArchiveError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let body = self.body.ok_or(ArchiveError::Truncated)?;
        let is_whole = body.has_ended && body.frame.is_empty() && body.taken == body.plain.len();
        if !is_whole {
            return Err(ArchiveError::Truncated);
        }
        if self.metadata.is_none() {
            return Err(ArchiveError::MissingMetadata);
        }
        Ok(self.totals)
    }

    fn next(&mut self, input: &mut &[u8]) -> Result<Option<Element>, ArchiveError> {
        loop {
            if self.body.is_none() && !self.read_header(input)? {
                return Ok(None);
            }
            let Some(body) = self.body.as_mut() else {
                return Ok(None);
            };
            if body.take_frame()? {
                if let Some(element) = self.open()? {
                    return Ok(Some(element));
                }
            } else if !body.inflate(input, self.totals.elements)? {
                return Ok(None);
            }
        }
    }

    /// Whether the header is there.
    fn read_header(&mut self, input: &mut &[u8]) -> Result<bool, ArchiveError> {
        let missing = HEADER_BYTES.saturating_sub(self.header.len());
        let (head, rest) = input.split_at(missing.min(input.len()));
        self.header.extend_from_slice(head);
        *input = rest;
        let Some((version, nonce)) = self.header.split_first_chunk::<2>() else {
            return Ok(false);
        };
        let version = u16::from_le_bytes(*version);
        if version > VERSION {
            // The first two bytes of most other files are no version that will ever be.
            return Err(match version {
                0..256 => ArchiveError::NewerVersion(version),
                _ => ArchiveError::NotAnArchive,
            });
        }
        let Ok(nonce) = nonce.try_into() else {
            return Ok(false);
        };
        let mut decoder = Decoder::new().map_err(|_| ArchiveError::NotAnArchive)?;
        decoder
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG))
            .map_err(|_| ArchiveError::NotAnArchive)?;
        self.body = Some(Body {
            frames: Frames::new(&self.key, nonce),
            decoder,
            has_more: false,
            has_ended: false,
            has_begun: false,
            plain: Vec::with_capacity(PLAIN_BYTES),
            taken: 0,
            frame: Vec::new(),
        });
        Ok(true)
    }

    /// Opens the frame at hand; `None` if it says nothing.
    fn open(&mut self) -> Result<Option<Element>, ArchiveError> {
        let Some(body) = self.body.as_mut() else {
            return Ok(None);
        };
        let mut frame = std::mem::take(&mut body.frame);
        frame.drain(..LENGTH_BYTES.min(frame.len()));
        if self.totals.is_sealed {
            return Err(ArchiveError::Trailing);
        }
        let is_first = self.metadata.is_none();
        let mut opened = body.frames.open(&mut frame);
        if !opened && self.may_be_legacy && self.totals.elements == 1 {
            body.frames.hold_nonce();
            opened = body.frames.open(&mut frame);
        }
        if !opened {
            return Err(match is_first {
                true => ArchiveError::WrongKey,
                false => ArchiveError::Damaged(self.totals.elements),
            });
        }
        if frame.is_empty() && !is_first {
            return Ok(None);
        }
        let decoded = BackupElement::decode(frame.as_slice());
        let decoded = decoded.ok().and_then(|decoded| decoded.element);
        if let Some(backup_element::Element::Trailer(trailer)) = &decoded {
            self.check(trailer)?;
            return Ok(None);
        }
        self.tally.add(&frame);
        self.totals.elements += 1;
        let element = decoded.and_then(Element::decode);
        match element {
            Some(Element::Metadata(metadata)) if is_first => {
                self.metadata = Some(metadata.clone());
                Ok(Some(Element::Metadata(metadata)))
            }
            _ if is_first => Err(ArchiveError::MissingMetadata),
            Some(Element::Metadata(_)) | None => {
                self.totals.skipped += 1;
                Ok(None)
            }
            element => Ok(element),
        }
    }

    fn check(&mut self, trailer: &ArchiveTrailer) -> Result<(), ArchiveError> {
        if self.metadata.is_none() {
            return Err(ArchiveError::MissingMetadata);
        }
        let is_all = trailer.count == self.tally.count && trailer.sha256 == self.tally.sha256();
        if !is_all {
            return Err(ArchiveError::Damaged(self.totals.elements));
        }
        self.totals.is_sealed = true;
        self.totals.inbox_id = Some(trailer.inbox_id.clone());
        Ok(())
    }
}

impl Body {
    /// Fills the frame at hand from what is decompressed; whether it is complete.
    fn take_frame(&mut self) -> Result<bool, ArchiveError> {
        if !self.fill(LENGTH_BYTES) {
            return Ok(false);
        }
        let Some(length) = self.frame.first_chunk::<LENGTH_BYTES>() else {
            return Ok(false);
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_ELEMENT_BYTES {
            return Err(ArchiveError::TooLarge);
        }
        if length < TAG_BYTES {
            return Err(ArchiveError::NotAnArchive);
        }
        Ok(self.fill(LENGTH_BYTES + length))
    }

    /// Moves decompressed bytes until the frame at hand has so many; false if they do not suffice.
    fn fill(&mut self, wanted: usize) -> bool {
        let missing = wanted.saturating_sub(self.frame.len());
        let there = self.plain.get(self.taken..).unwrap_or_default();
        let part = there.get(..missing.min(there.len())).unwrap_or_default();
        self.frame.extend_from_slice(part);
        self.taken += part.len();
        part.len() == missing
    }

    /// Decompresses the next bytes; false if more input is needed. Called once all decompressed
    /// bytes are used.
    fn inflate(&mut self, input: &mut &[u8], elements: u64) -> Result<bool, ArchiveError> {
        if self.has_ended {
            return match input.is_empty() {
                true => Ok(false),
                false => Err(ArchiveError::Trailing),
            };
        }
        if input.is_empty() && !self.has_more {
            return Ok(false);
        }
        self.plain.clear();
        self.taken = 0;
        let mut source = InBuffer::around(input);
        let mut target = OutBuffer::around(&mut self.plain);
        let hint =
            self.decoder
                .run(&mut source, &mut target)
                .map_err(|_| match self.has_begun {
                    true => ArchiveError::Damaged(elements),
                    false => ArchiveError::NotAnArchive,
                })?;
        let used = source.pos();
        *input = input.get(used..).unwrap_or_default();
        self.has_begun |= !self.plain.is_empty();
        self.has_more = self.plain.len() == self.plain.capacity();
        self.has_ended = hint == 0;
        Ok(true)
    }
}
