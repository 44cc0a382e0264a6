//! Moving the data to another folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::{
    DATA, DataFolder, FolderError, MOVED_HERE, MOVED_TO, MOVING_HERE, MOVING_TO, PASSING,
    UNFINISHED_MARK, Unsettled, read_path, write_path,
};
use crate::database::{LockFile, Options};
use crate::disk;
use crate::key::DatabaseKey;
use crate::store::Store;

/// What may be in the new folder: where we once were, and what the window remembers.
const MAY_STAY: [&str; 3] = [MOVED_TO, "conclave.moved-to.new", "webview"];
/// Room beyond the data itself: opening the copy writes a little.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;

/// How far a move has come. After each step a crash leaves one folder that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoveStep {
    /// The old folder says where the data is going.
    Announced,
    /// The new folder says where it comes from.
    Marked,
    /// One more file or folder was copied and is on the disk.
    Copied,
    /// The copy opens with the key. The last step that can still fail: what is needed to open the
    /// new folder has to be there before the next.
    Verified,
    /// The new folder counts.
    Switched,
    /// What is in the old folder is about to be removed.
    Clearing,
    /// It was removed.
    Cleared,
}

/// Told each step with the folder it is about: the old one when it is cleared, else the new one.
type OnStep<'a> = &'a mut dyn FnMut(MoveStep, &Path) -> Result<(), FolderError>;

impl DataFolder {
    /// Moves the data to another folder, which must be empty or not exist. Nobody may have the
    /// database open. Blocks for as long as copying takes. If it fails, or `on_step` does up to
    /// [`MoveStep::Verified`], everything is as before.
    ///
    /// # Errors
    /// [`FolderError::Refused`], [`FolderError::NoRoom`], [`FolderError::Io`], those of opening a
    /// store, and what `on_step` answers.
    pub fn move_to(
        &self,
        target: &Path,
        key: &DatabaseKey,
        on_step: OnStep<'_>,
    ) -> Result<Self, FolderError> {
        let lock = LockFile::acquire(&self.database())?;
        let target = self.check_target(target)?;
        let made = !target.exists();
        if let Err(error) = self.copy_and_switch(&target, key, on_step) {
            if let Err(error) = self.undo(&target) {
                tracing::warn!(
                    code = error.code(),
                    "a copy that counts for nothing is left"
                );
            } else if made {
                // Not empty if somebody has put something there meanwhile.
                drop(fs::remove_dir(&target));
            }
            return Err(error);
        }
        drop(lock);
        let place_moved = self.place.join(MOVED_TO);
        if self.place != self.path && self.place != target && place_moved.exists() {
            // The longer way leads there too.
            if let Err(error) = write_path(&place_moved, &target) {
                tracing::warn!(code = error.code(), "the way to the data was not shortened");
            }
        }
        let moved = Self {
            place: self.place.clone(),
            path: target,
            unsettled: Some(Unsettled::Reached(self.path.clone())),
        };
        if let Err(error) = moved.settle(on_step) {
            tracing::warn!(code = error.code(), "the old data folder was not cleared");
        }
        Ok(moved)
    }

    /// Finishes what a crash in the middle of a move has left: removes what counts for nothing.
    ///
    /// # Errors
    /// [`crate::StoreError::AccountInUse`] while another process has the folder and may be moving
    /// it, [`FolderError::Io`]. The folder can be used all the same.
    pub fn settle(&self, on_step: OnStep<'_>) -> Result<(), FolderError> {
        if self.unsettled.is_none() {
            return Ok(());
        }
        let _lock = LockFile::acquire(&self.database())?;
        // Somebody else may have settled it, or have moved on, before we had the lock.
        let now = Self::find(&self.place)?;
        if now.path != self.path {
            return Ok(());
        }
        match now.unsettled {
            None => Ok(()),
            Some(Unsettled::Abandoned(target)) => self.undo(&target),
            Some(Unsettled::Reached(old)) => {
                on_step(MoveStep::Clearing, &old)?;
                remove_data(&old)?;
                disk::remove(&old.join(MOVED_HERE))?;
                on_step(MoveStep::Cleared, &old)?;
                // From an earlier move away from here; not before this folder counts without it.
                disk::remove(&self.path.join(MOVED_TO))?;
                fs::rename(self.path.join(MOVING_HERE), self.path.join(MOVED_HERE))?;
                Ok(disk::sync_folder(&self.path)?)
            }
        }
    }

    /// Makes sure that the data can be moved to a folder and gives its absolute path. Changes
    /// nothing.
    ///
    /// # Errors
    /// [`FolderError::Refused`], [`FolderError::NoRoom`], [`FolderError::Io`].
    pub fn check_target(&self, target: &Path) -> Result<PathBuf, FolderError> {
        let existing = target
            .ancestors()
            .find(|ancestor| ancestor.exists())
            .ok_or(FolderError::Refused("there is no such disk"))?;
        let rest = target.strip_prefix(existing).unwrap_or(Path::new(""));
        let is_clear = rest.components().all(|part| part != Component::ParentDir);
        if !target.is_absolute() || !is_clear {
            return Err(FolderError::Refused("write its whole path"));
        }
        let existing = existing.canonicalize()?;
        // Joining nothing would add a separator at the end.
        let target = match rest.as_os_str().is_empty() {
            true => existing.clone(),
            false => existing.join(rest),
        };
        if target == self.path {
            return Err(FolderError::Refused("it is there already"));
        }
        if target.starts_with(&self.path) {
            return Err(FolderError::Refused(
                "it is inside the folder that the data is in",
            ));
        }
        if target.to_str().is_none() {
            return Err(FolderError::Refused("its name is not UTF-8"));
        }
        if !existing.is_dir() {
            return Err(FolderError::Refused("it is a file"));
        }
        if target.exists() && !self.is_free(&target)? {
            return Err(FolderError::Refused("the folder is not empty"));
        }
        let needed = self.bytes()? + SPARE_BYTES;
        let free = fs4::available_space(&existing)?;
        if needed > free {
            return Err(FolderError::NoRoom { needed, free });
        }
        Ok(target)
    }

    /// Whether a folder has nothing in it but what we have left there.
    fn is_free(&self, target: &Path) -> Result<bool, FolderError> {
        if read_path(&target.join(MOVING_HERE))?.as_ref() == Some(&self.path) {
            return Ok(true);
        }
        for entry in fs::read_dir(target)? {
            let name = entry?.file_name();
            if !MAY_STAY.iter().any(|stays| name == *stays) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn copy_and_switch(
        &self,
        target: &Path,
        key: &DatabaseKey,
        on_step: OnStep<'_>,
    ) -> Result<(), FolderError> {
        write_path(&self.path.join(MOVING_TO), target)?;
        on_step(MoveStep::Announced, target)?;
        if !target.exists() {
            fs::create_dir_all(target)?;
            fs::set_permissions(target, fs::metadata(&self.path)?.permissions())?;
        }
        write_path(&target.join(MOVING_HERE), &self.path)?;
        on_step(MoveStep::Marked, target)?;
        // Of an earlier attempt.
        remove_data(target)?;
        for name in DATA {
            copy(&self.path.join(name), &target.join(name))?;
            on_step(MoveStep::Copied, target)?;
        }
        disk::sync_folder(target)?;
        drop(Store::open(
            target.join(super::DATABASE_FILE),
            key,
            Options::default(),
        )?);
        on_step(MoveStep::Verified, target)?;
        self.switch()?;
        // From here on nothing is undone; who is told can only note it.
        drop(on_step(MoveStep::Switched, target));
        Ok(())
    }

    /// The one moment at which the place changes.
    fn switch(&self) -> Result<(), FolderError> {
        let (moving, moved) = (self.path.join(MOVING_TO), self.path.join(MOVED_TO));
        fs::rename(&moving, &moved)?;
        // Without this the old data may not be removed: a loss of power could bring it back.
        disk::sync_folder(&self.path).inspect_err(|_| drop(fs::rename(&moved, &moving)))?;
        Ok(())
    }

    /// Removes a copy that counts for nothing.
    fn undo(&self, target: &Path) -> Result<(), FolderError> {
        if read_path(&target.join(MOVING_HERE))?.as_ref() == Some(&self.path) {
            remove_data(target)?;
            disk::remove(&target.join(MOVING_HERE))?;
        }
        disk::remove(&target.join(UNFINISHED_MARK))?;
        Ok(disk::remove(&self.path.join(MOVING_TO))?)
    }
}

fn remove_data(folder: &Path) -> Result<(), FolderError> {
    // The database first: without it the others mean nothing.
    for name in DATA.iter().chain(&PASSING) {
        disk::remove(&folder.join(name))?;
    }
    Ok(())
}

/// Copies a file, or a folder with all in it, and waits until it is on the disk. That there is
/// nothing is no error.
fn copy(from: &Path, to: &Path) -> Result<(), FolderError> {
    let metadata = match fs::metadata(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if metadata.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
        return Ok(disk::sync_folder(to)?);
    }
    fs::copy(from, to)?;
    // Open for writing, as Windows wants it.
    Ok(fs::File::options().append(true).open(to)?.sync_all()?)
}
