//! The zip file: verified as a whole before anything in it is used, and bounded.

use super::export::ExportError;
use std::{
    fs::File,
    io::{BufReader, Error, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};
use zip::{ZipArchive, read::ZipFile};

type Zip = ZipArchive<BufReader<File>>;

/// What an archive may hold. The sizes are counted while unpacking: what an entry says of itself is
/// not believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Files and folders.
    pub(crate) entries: usize,
    /// Bytes of one entry, unpacked.
    pub(crate) entry_bytes: u64,
    /// Bytes of all entries, unpacked.
    pub(crate) total_bytes: u64,
}

/// Ten years of a busy workspace fit: a day's file is held in memory, the rest streams through.
pub(crate) const LIMITS: Limits = Limits {
    entries: 1_000_000,
    entry_bytes: 256 * 1024 * 1024,
    total_bytes: 16 * 1024 * 1024 * 1024,
};

/// A verified archive and the names in it.
pub(super) struct Archive {
    zip: Mutex<Zip>,
    limits: Limits,
    names: Vec<(String, usize)>,
}

impl Archive {
    /// Opens and unpacks every entry once, to nowhere: so its checksum is checked.
    pub(super) fn open(path: &Path, limits: Limits) -> Result<Self, ExportError> {
        let file = File::open(path).map_err(ExportError::Open)?;
        // A second handle: the first one's place in the file is the zip reader's own.
        let mut headers = BufReader::new(File::open(path).map_err(ExportError::Open)?);
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(ExportError::NotAZip)?;
        if zip.len() > limits.entries {
            return Err(ExportError::TooManyEntries {
                found: zip.len(),
                max: limits.entries,
            });
        }
        let mut names = Vec::with_capacity(zip.len());
        let mut total = 0;
        for index in 0..zip.len() {
            let mut entry = entry(&mut zip, index)?;
            let name = name_of(&entry);
            same_name(&mut headers, &entry).map_err(|source| ExportError::Damaged {
                name: name.clone(),
                source,
            })?;
            let left = limits.total_bytes - total;
            total += copy(
                &mut entry,
                &name,
                limits.entry_bytes.min(left),
                &mut std::io::sink(),
            )?;
            // A name that leaves the archive's own tree is never asked for.
            if entry.is_file() && entry.enclosed_name().is_some() && !name.contains('\\') {
                names.push((name, index));
            }
        }
        names.sort_unstable();
        Ok(Self {
            zip: Mutex::new(zip),
            limits,
            names,
        })
    }

    /// The names of all files, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// A file's bytes; none when there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ExportError> {
        let Ok(found) = self.names.binary_search_by(|(known, _)| known.as_str().cmp(name)) else {
            return Ok(None);
        };
        let mut zip = self.lock();
        let mut entry = entry(&mut zip, self.names[found].1)?;
        let mut bytes = Vec::new();
        copy(&mut entry, name, self.limits.entry_bytes, &mut bytes)?;
        Ok(Some(bytes))
    }

    /// Another reader's panic leaves nothing half done: each read seeks for itself.
    fn lock(&self) -> MutexGuard<'_, Zip> {
        self.zip.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(zip: &mut Zip, index: usize) -> Result<ZipFile<'_, BufReader<File>>, ExportError> {
    let name = zip.name_for_index(index).unwrap_or_default().to_owned();
    zip.by_index(index)
        .map_err(|source| ExportError::Entry { name, source })
}

/// A name stands in an archive twice and has no checksum: with one of the two damaged, a day would be
/// missing without a word. The other one is in the header before the entry's bytes, which has 30 bytes
/// of fixed size with the name's length at the 26th.
fn same_name(headers: &mut BufReader<File>, entry: &ZipFile<'_, BufReader<File>>) -> std::io::Result<()> {
    let mut header = [0; 30];
    headers.seek(SeekFrom::Start(entry.header_start()))?;
    headers.read_exact(&mut header)?;
    let mut name = vec![0; usize::from(u16::from_le_bytes([header[26], header[27]]))];
    headers.read_exact(&mut name)?;
    if name != entry.name_raw() {
        return Err(Error::new(
            ErrorKind::InvalidData,
            "its name is another one in the archive's index",
        ));
    }
    Ok(())
}

/// Unpacks at most `max` bytes; how many they were.
fn copy(
    entry: &mut impl Read,
    name: &str,
    max: u64,
    out: &mut impl std::io::Write,
) -> Result<u64, ExportError> {
    let damaged = |source| ExportError::Damaged {
        name: name.to_owned(),
        source,
    };
    let bytes = std::io::copy(&mut entry.take(max.saturating_add(1)), out).map_err(damaged)?;
    if bytes > max {
        return Err(ExportError::TooLarge {
            name: name.to_owned(),
            max,
        });
    }
    Ok(bytes)
}

/// The name as UTF-8 even where the zip forgot to say that it is.
fn name_of(entry: &ZipFile<'_, BufReader<File>>) -> String {
    std::str::from_utf8(entry.name_raw()).map_or_else(|_| entry.name().to_owned(), str::to_owned)
}
