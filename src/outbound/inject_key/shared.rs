//! The state that a service shares with its clones and its futures.

use std::sync::Arc;

use http::HeaderName;

use crate::outbound::adapter::RequestAdapter;
use crate::outbound::config::{CallerHeaders, Config, SelectedKey, WhileRefreshing};
use crate::outbound::credential::Credential;
use crate::outbound::evidence::Evidence;
use crate::outbound::per_thread::PerThread;
use crate::rotating::Refreshing;

/// The state that a service shares with its clones and its futures.
pub(crate) struct Shared<X> {
    pub(crate) config: Config,
    pub(crate) adapter: Arc<X>,
}

/// The headers of a request, through its adapter.
struct HeadersOf<'a, X, Req> {
    adapter: &'a X,
    request: &'a mut Req,
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
    /// Loads the credential for a request, once, and removes what the caller may not set in its
    /// place. Returns `None` if the request is sent without one.
    pub(crate) fn credential_for<Req>(&self, request: &mut Req) -> Option<SelectedKey>
    where
        X: RequestAdapter<Req>,
    {
        let Self { config, adapter } = self;
        let target = adapter.target(request);
        let lookup = config.lookup(&target);
        let origin = config.table.open_origin(lookup, &target);
        let mut headers = HeadersOf {
            adapter: &**adapter,
            request,
        };
        let selected = config.credential_for(lookup, &mut headers)?;
        Some(SelectedKey { origin, ..selected })
    }

    /// Returns the refresh that a request waits for: the one of a credential that the upstream had
    /// accepted and has rejected since.
    pub(crate) fn awaited(
        &self,
        selected: Option<&SelectedKey>,
    ) -> Option<Refreshing<Credential, Evidence>> {
        let selected =
            selected.filter(|_| self.config.while_refreshing == WhileRefreshing::Hold)?;
        self.config
            .key(selected.index)
            .join_refresh(&selected.credential)
    }
}

impl<X: RequestAdapter<Req>, Req> CallerHeaders for HeadersOf<'_, X, Req> {
    fn has(&mut self, name: &HeaderName) -> bool {
        self.adapter.has_header(self.request, name)
    }

    fn remove(&mut self, name: &HeaderName) {
        self.adapter.remove_header(self.request, name);
    }
}
