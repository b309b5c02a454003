//! The state that a service shares with its clones and its futures.

use std::sync::Arc;

use crate::outbound::adapter::RequestAdapter;
use crate::outbound::config::{Config, Existing, Found, WhileRefreshing};
use crate::outbound::credential::Credential;
use crate::outbound::evidence::Evidence;
use crate::outbound::per_thread::PerThread;
use crate::rotating::Refreshing;

/// The state that a service shares with its clones and its futures.
pub(crate) struct Shared<X> {
    pub(crate) config: Config,
    pub(crate) adapter: Arc<X>,
}

/// A reference to the shared state, for a future to keep. [`PerThread`] says why each thread has
/// its own.
pub(crate) struct Handle<X>(Arc<Shared<X>>);

/// The handles of a service, one for each thread.
pub(crate) type Handles<X> = PerThread<Arc<Handle<X>>>;

impl<X> Handle<X> {
    pub(crate) fn for_each_thread(config: Config, adapter: Arc<X>) -> Handles<X> {
        let shared = Arc::new(Shared { config, adapter });
        PerThread::new(|| Arc::new(Self(Arc::clone(&shared))))
    }
}

impl<X> std::ops::Deref for Handle<X> {
    type Target = Shared<X>;

    fn deref(&self) -> &Shared<X> {
        &self.0
    }
}

impl<X> Shared<X> {
    /// Loads the credential for a request, once. Returns `None` if the request is sent as it is.
    pub(crate) fn credential_for<Req>(&self, request: &mut Req) -> Option<Found>
    where
        X: RequestAdapter<Req>,
    {
        let Self { config, adapter } = self;
        config
            .credential_for(adapter.target(request))
            .filter(|(_, credential)| {
                let name = credential.name();
                config.existing == Existing::Override || !adapter.has_header(request, name)
            })
    }

    /// Returns the refresh that a request waits for: the one of a credential that the upstream had
    /// accepted and has rejected since.
    pub(crate) fn awaited(
        &self,
        found: Option<&Found>,
    ) -> Option<Refreshing<Credential, Evidence>> {
        let (index, credential) =
            found.filter(|_| self.config.while_refreshing == WhileRefreshing::Hold)?;
        self.config.key(*index).join_refresh(credential)
    }
}
