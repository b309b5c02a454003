//! A directory that is held open, so that all work in it is done there, whatever is at its path by
//! now.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

/// Entering a directory takes no right to list it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const ENTER: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const ENTER: OFlags = OFlags::RDONLY;

/// What every open here has in common. `O_NONBLOCK`: a pipe does not wait for its other end.
const COMMON: OFlags = OFlags::CLOEXEC
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// Where a link leads, and who owns the link.
pub(super) struct Link {
    pub(super) target: PathBuf,
    pub(super) owner: u32,
}

impl Link {
    fn read(fd: &OwnedFd, name: &OsStr, owner: u32) -> io::Result<Self> {
        let read = || rustix::fs::readlinkat(fd, name, Vec::new());
        let target = OsString::from_vec(retry_on_intr(read)?.into_bytes());
        let target = target.into();
        Ok(Self { target, owner })
    }
}

fn is_link(found: &Stat) -> bool {
    FileType::from_raw_mode(found.st_mode) == FileType::Symlink
}

/// An open directory. A name in it is never followed if it is a link.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    pub(super) fn root() -> io::Result<Self> {
        let flags = ENTER | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = retry_on_intr(|| rustix::fs::open("/", flags, Mode::empty()))?;
        let path = PathBuf::from("/");
        Ok(Self { fd, path })
    }

    /// Opens a directory in this one, or the one above it for `..`.
    pub(super) fn enter(&self, name: &OsStr) -> io::Result<Self> {
        let flags = ENTER | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = self.open_at(name, flags, Mode::empty())?;
        let mut path = self.path.clone();
        if name == ".." {
            path.pop();
        } else {
            path.push(name);
        }
        Ok(Self { fd, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file for reading.
    pub(crate) fn open(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY, Mode::empty())
    }

    /// Opens an existing file to lock it.
    pub(crate) fn open_to_lock(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR, Mode::empty())
    }

    /// Creates a file that only its owner may read and write. Fails if the name is taken.
    pub(crate) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        self.open_file(name, flags, Mode::RUSR | Mode::WUSR)
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    /// Makes the last rename durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        File::from(self.open_at(OsStr::new("."), flags, Mode::empty())?).sync_all()
    }

    /// Returns whether this user may create files here.
    pub(crate) fn is_writable(&self) -> bool {
        use rustix::fs::{Access, accessat};

        let all = Access::WRITE_OK | Access::EXEC_OK;
        accessat(&self.fd, ".", all, AtFlags::EACCESS).is_ok()
    }

    pub(super) fn stat(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.fd)?)
    }

    /// Returns what is known of the entry itself, if there is one.
    pub(super) fn stat_entry(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            found => Ok(Some(found?)),
        }
    }

    /// Returns whether this file has this name here.
    pub(crate) fn holds(&self, name: &OsStr, file: &File) -> io::Result<bool> {
        let ours = rustix::fs::fstat(file)?;
        let found = self.stat_entry(name)?;
        Ok(found.is_some_and(|found| (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)))
    }

    /// Returns where the link of this name leads, and who owns it, or `None` if it is no link. Both
    /// are of the same link, even if others swap the name meanwhile.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn link(&self, name: &OsStr) -> io::Result<Option<Link>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = self.open_at(name, flags, Mode::empty())?;
        let found = rustix::fs::fstat(&link)?;
        if !is_link(&found) {
            return Ok(None);
        }
        Link::read(&link, "".as_ref(), found.st_uid).map(Some)
    }

    /// Returns where the link of this name leads, and who owns it, or `None` if it is no link. If
    /// the name is swapped meanwhile, it belongs to nobody.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn link(&self, name: &OsStr) -> io::Result<Option<Link>> {
        let stat = || -> io::Result<Stat> {
            Ok(rustix::fs::statat(
                &self.fd,
                name,
                AtFlags::SYMLINK_NOFOLLOW,
            )?)
        };
        let before = stat()?;
        if !is_link(&before) {
            return Ok(None);
        }
        let mut link = Link::read(&self.fd, name, before.st_uid)?;
        let after = stat()?;
        let inode = |stat: &Stat| (stat.st_dev, stat.st_ino, stat.st_uid);
        if inode(&before) != inode(&after) {
            link.owner = u32::MAX;
        }
        Ok(Some(link))
    }

    fn open_file(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<File> {
        Ok(self.open_at(name, flags | COMMON, mode)?.into())
    }

    fn open_at(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let open = || rustix::fs::openat(&self.fd, name, flags, mode);
        Ok(retry_on_intr(open)?)
    }
}
