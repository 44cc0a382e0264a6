//! Pictures that strangers made: what they are, judged by their bytes, before anything draws them.

use std::{io::Cursor, time::Duration};

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use crate::{client::Client, error::EngineError, saving::Media};

/// Bytes that a group's picture may have.
const GROUP_PICTURE_BYTES: u64 = 4 * 1024 * 1024;
/// How long fetching a group's picture may take.
const GROUP_PICTURE_TIME: Duration = Duration::from_secs(60);
/// Pixels that a side of a picture may have.
const SIDE: u32 = 16_384;
/// Pixels that a picture may have: what large cameras make, 256 MB once drawn.
const PIXELS: u64 = 64_000_000;

/// Bytes that drawing one may take.
const DECODED_BYTES: u64 = 256 * 1024 * 1024;
/// Pixels of the longer side of a small picture.
const THUMBNAIL_SIDE: u32 = 640;

/// Why a picture is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureRefused {
    /// The group has none.
    #[error("This group has no picture.")]
    None,
    /// Not one of the formats that are shown.
    #[error("This is no PNG, JPEG, GIF or WebP picture, so it is not shown.")]
    Format,
    /// Its header can't be read.
    #[error("This picture is damaged, so it is not shown.")]
    Damaged,
    /// It has too many pixels.
    #[error("This picture has {0} by {1} pixels, more than is safe to draw, so it is not shown.")]
    Dimensions(u32, u32),
    /// Its file is too large.
    #[error("The file of this picture is larger than {0} MiB, so it is not shown.")]
    Bytes(u64),
}

/// What a picture is by its header; its pixels were not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub(crate) media_type: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    format: ImageFormat,
}

impl Picture {
    /// Judges a file by its bytes alone; names and declared types are not believed.
    pub(crate) fn look(file: &[u8]) -> Result<Self, PictureRefused> {
        let format = image::guess_format(file).map_err(|_| PictureRefused::Format)?;
        let media_type = match format {
            ImageFormat::Png => "image/png",
            ImageFormat::Jpeg => "image/jpeg",
            ImageFormat::Gif => "image/gif",
            ImageFormat::WebP => "image/webp",
            _ => return Err(PictureRefused::Format),
        };
        let (width, height) = ImageReader::with_format(Cursor::new(file), format)
            .into_dimensions()
            .map_err(|_| PictureRefused::Damaged)?;
        if width == 0 || height == 0 {
            return Err(PictureRefused::Damaged);
        }
        if width > SIDE || height > SIDE || u64::from(width) * u64::from(height) > PIXELS {
            return Err(PictureRefused::Dimensions(width, height));
        }
        Ok(Self {
            media_type,
            width,
            height,
            format,
        })
    }
}

/// A small picture of a picture, without whatever else its file carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thumbnail {
    media_type: &'static str,
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

impl Thumbnail {
    /// Makes one. Takes memory and time by the number of pixels, so never on a thread that serves
    /// others.
    pub(crate) fn of(file: &[u8]) -> Result<Self, PictureRefused> {
        let picture = Picture::look(file)?;
        let damaged = |_| PictureRefused::Damaged;
        let mut limits = Limits::default();
        limits.max_image_width = Some(SIDE);
        limits.max_image_height = Some(SIDE);
        limits.max_alloc = Some(DECODED_BYTES);
        let mut reader = ImageReader::with_format(Cursor::new(file), picture.format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let turned = decoder.orientation().map_err(damaged)?;
        let mut drawn = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        let (width, height) = Self::fit(drawn.width(), drawn.height());
        drawn = drawn.thumbnail_exact(width, height);
        drawn.apply_orientation(turned);
        let (format, media_type) = if drawn.color().has_alpha() {
            (ImageFormat::Png, "image/png")
        } else {
            (ImageFormat::Jpeg, "image/jpeg")
        };
        let drawn = match format {
            ImageFormat::Png => DynamicImage::from(drawn.into_rgba8()),
            _ => DynamicImage::from(drawn.into_rgb8()),
        };
        let mut bytes = Cursor::new(Vec::new());
        drawn.write_to(&mut bytes, format).map_err(damaged)?;
        Ok(Self {
            media_type,
            width: drawn.width(),
            height: drawn.height(),
            bytes: bytes.into_inner(),
        })
    }

    /// The size of the small picture of one of this size; a small one stays as it is.
    pub(crate) fn fit(width: u32, height: u32) -> (u32, u32) {
        let longer = width.max(height);
        if longer <= THUMBNAIL_SIDE {
            return (width, height);
        }
        let scaled = |side: u32| {
            let scaled = u64::from(side) * u64::from(THUMBNAIL_SIDE) / u64::from(longer);
            u32::try_from(scaled).unwrap_or(THUMBNAIL_SIDE).max(1)
        };
        (scaled(width), scaled(height))
    }

    pub(crate) fn media_type(&self) -> &'static str {
        self.media_type
    }

    pub(crate) fn pixels(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Client {
    /// Fetches the picture of a group from where its members say it is. The person asked for it:
    /// its server sees that somebody did.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`], [`EngineError::File`], [`EngineError::Picture`].
    pub async fn group_picture(&self, group_id: &[u8]) -> Result<Media, EngineError> {
        let url = self.conversation(group_id).await?.conversation.image_url;
        if url.is_empty() {
            return Err(PictureRefused::None.into());
        }
        let core = &self.0;
        let trusted = core.trusted_hosts().await?;
        let fetched = core
            .files
            .get(&url, &trusted, GROUP_PICTURE_BYTES, GROUP_PICTURE_TIME)
            .await;
        let bytes = match fetched {
            Err(conclave_network::FileError::TooLarge(limit)) => {
                return Err(PictureRefused::Bytes(limit >> 20).into());
            }
            fetched => fetched?,
        };
        let media_type = Picture::look(&bytes)?.media_type.to_owned();
        Ok(Media { media_type, bytes })
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};
    use proptest::prelude::*;

    use super::*;

    fn file(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(RgbImage::new(3, 2))
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    const FORMATS: [(ImageFormat, &str); 4] = [
        (ImageFormat::Png, "image/png"),
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Gif, "image/gif"),
        (ImageFormat::WebP, "image/webp"),
    ];

    #[test]
    fn pictures_are_known_by_their_bytes() {
        for (format, media_type) in FORMATS {
            let picture = Picture::look(&file(format)).unwrap();
            assert_eq!(
                (picture.media_type, picture.width, picture.height),
                (media_type, 3, 2)
            );
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for bytes in [
            b"".as_slice(),
            b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
            b"<html><img src=x onerror=alert(1)>",
            b"BM, a bitmap by its first bytes",
        ] {
            assert_eq!(Picture::look(bytes), Err(PictureRefused::Format));
        }
        let cut = &file(ImageFormat::Png)[..20];
        assert_eq!(Picture::look(cut), Err(PictureRefused::Damaged));
    }

    #[test]
    fn a_picture_bomb_is_refused_by_its_header() {
        let mut bomb = file(ImageFormat::Png);
        // Width and height stand behind signature, length and name of the first chunk (PNG 11.2.1).
        bomb[16..20].copy_from_slice(&50_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&50_000_u32.to_be_bytes());
        let checksum = checksum(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(
            Picture::look(&bomb),
            Err(PictureRefused::Dimensions(50_000, 50_000))
        );
        assert!(Thumbnail::of(&bomb).is_err());
    }

    #[test]
    fn a_small_picture_is_small_and_keeps_its_shape() {
        for (width, height, small) in [
            (3, 2, (3, 2)),
            (1280, 640, (640, 320)),
            (640, 1281, (319, 640)),
            (16_384, 1, (640, 1)),
        ] {
            let mut bytes = Cursor::new(Vec::new());
            DynamicImage::from(RgbImage::new(width, height))
                .write_to(&mut bytes, ImageFormat::Png)
                .unwrap();
            let thumbnail = Thumbnail::of(&bytes.into_inner()).unwrap();
            assert_eq!(thumbnail.pixels(), small);
            assert_eq!(Thumbnail::fit(width, height), small);
            let again = Picture::look(&thumbnail.bytes).unwrap();
            assert_eq!(again.media_type, thumbnail.media_type());
        }
        for (format, _) in FORMATS {
            assert_eq!(Thumbnail::of(&file(format)).unwrap().pixels(), (3, 2));
        }
    }

    /// CRC-32 as PNG has it.
    fn checksum(bytes: &[u8]) -> u32 {
        let step = |crc: u32, byte: &u8| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 {
                    (crc >> 1) ^ 0xedb8_8320
                } else {
                    crc >> 1
                }
            })
        };
        !bytes.iter().fold(!0, step)
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(
            kind in 0..4_usize,
            cut in 0..200_usize,
            place in 0..200_usize,
            byte in any::<u8>(),
        ) {
            let mut bytes = file(FORMATS[kind].0);
            let place = place % bytes.len();
            bytes[place] = byte;
            bytes.truncate(cut.max(1));
            let _ = Picture::look(&bytes);
            let _ = Thumbnail::of(&bytes);
        }
    }
}
