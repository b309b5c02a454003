//! Each error number at each step, as the one who issues a key sees it.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::faults::STEPS;
use super::{Folder, add, with_one_more};
use crate::fs::Step;
use crate::inbound::Scopes;
use crate::keyring::file_store::commit::{self, StoreFile};
use crate::keyring::request::IssueRequest;
use crate::keyring::ring::{KeyRing, KeyRingErrorKind};
use crate::keyring::state::KeyRingState;
use crate::keyring::store::{Commit, Store, StoreError};

const ERRNOS: [Errno; 8] = [
    Errno::INVAL,
    Errno::OPNOTSUPP,
    Errno::IO,
    Errno::NOSPC,
    Errno::BUSY,
    Errno::ACCESS,
    Errno::ROFS,
    Errno::NOLCK,
];

/// A store of which one step fails, always in the same way.
struct Faulty {
    file: StoreFile,
    fault: Arc<Mutex<Option<(Step, Errno)>>>,
}

impl Faulty {
    fn at(fault: &Mutex<Option<(Step, Errno)>>, step: Step) -> io::Result<()> {
        match *fault.lock().unwrap() {
            Some((failing, errno)) if failing == step => Err(errno.into()),
            _ => Ok(()),
        }
    }
}

impl Store for Faulty {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        let fault = Arc::clone(&self.fault);
        self.file.load(|step| Self::at(&fault, step))
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        let fault = Arc::clone(&self.fault);
        let before = |step| Self::at(&fault, step);
        self.file.commit(commit.base, commit.next, before)
    }
}

#[tokio::test]
async fn whoever_issues_learns_of_each_key_in_the_file() {
    for (step, errno) in STEPS
        .into_iter()
        .flat_map(|step| ERRNOS.map(|errno| (step, errno)))
    {
        let folder = Folder::new();
        let fault = Arc::default();
        let store = Faulty {
            file: StoreFile::new(folder.file.clone()),
            fault: Arc::clone(&fault),
        };
        let ring = KeyRing::start(store).await.unwrap();
        let request = |client: &str| {
            IssueRequest::new(client.parse().unwrap()).or_new_client(Scopes::default())
        };
        let first = ring.issue(request("a")).await.unwrap().id().clone();

        *fault.lock().unwrap() = Some((step, errno));
        let issued = ring.issue(request("b")).await;
        let found = commit::load(&folder.file).unwrap();
        let mut made = found.keys().filter(|key| *key.id() != first);
        let made = made.next().map(|key| key.id().clone());
        match issued {
            Ok(key) => assert_eq!(made.as_ref(), Some(key.id()), "{step:?} {errno:?}"),
            Err(error) => match error.kind() {
                KeyRingErrorKind::Unknown => {
                    let named = error.key_id().unwrap();
                    assert!(made.is_none_or(|made| made == *named), "{step:?} {errno:?}");
                    assert!(error.to_string().contains(named.as_str()), "{error}");
                }
                kind => {
                    assert_eq!(kind, KeyRingErrorKind::Store, "{step:?} {errno:?}");
                    assert_eq!(error.key_id(), None);
                    assert_eq!(made, None, "{step:?} {errno:?}");
                }
            },
        }
        let is_harmless = match step {
            Step::Note => true,
            Step::SyncDirectory => matches!(errno, Errno::INVAL | Errno::OPNOTSUPP),
            _ => false,
        };
        if is_harmless {
            assert_eq!(found.keys().count(), 2, "{step:?} {errno:?}");
        }

        *fault.lock().unwrap() = None;
        ring.issue(request("c")).await.unwrap();
    }
}

#[test]
fn write_error_says_what_to_do_about_its_cause() {
    for (step, errno, remedy) in [
        (Step::Rename, Errno::BUSY, "mount its directory instead"),
        (Step::Lock, Errno::NOLCK, "has no locks"),
        (Step::Lock, Errno::OPNOTSUPP, "has no locks"),
        (Step::Create, Errno::ACCESS, "may write to its directory"),
        (Step::Create, Errno::ROFS, "mounted read-only"),
        (Step::Write, Errno::NOSPC, "free some space"),
        (Step::SyncDirectory, Errno::IO, "disk"),
    ] {
        let folder = Folder::new();
        add(&folder.file, ["one".into()]);
        let base = commit::load(&folder.file).unwrap();
        let next = with_one_more(&base, "two");
        let written = commit::commit(&folder.file, &base, &next, |at| {
            if at == step {
                Err(errno.into())
            } else {
                Ok(())
            }
        });
        let error = written.unwrap_err();
        assert!(error.to_string().contains(remedy), "{errno:?}: {error}");
        let cause: &io::Error = error.source().unwrap().downcast_ref().unwrap();
        assert_eq!(cause.raw_os_error(), Some(errno.raw_os_error()));
    }
}
