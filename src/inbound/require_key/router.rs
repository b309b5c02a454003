//! What axum's router leaves in the extensions of a request.

use http::{Extensions, Uri};

/// Returns the template that axum's router matched: `None` around the router, and in a fallback.
#[cfg(feature = "axum")]
pub(crate) fn matched_template(extensions: &Extensions) -> Option<&str> {
    extensions
        .get::<axum::extract::MatchedPath>()
        .map(axum::extract::MatchedPath::as_str)
}

/// Returns nothing: without the feature `axum`, no router is known.
#[cfg(not(feature = "axum"))]
pub(crate) const fn matched_template(_: &Extensions) -> Option<&str> {
    None
}

/// Returns the copy of the URI that axum's router keeps for its handlers.
#[cfg(feature = "axum")]
pub(crate) fn original_uri(extensions: &mut Extensions) -> Option<&mut Uri> {
    extensions
        .get_mut::<axum::extract::OriginalUri>()
        .map(|original| &mut original.0)
}

/// Returns nothing: without the feature `axum`, no router is known.
#[cfg(not(feature = "axum"))]
pub(crate) const fn original_uri(_: &mut Extensions) -> Option<&mut Uri> {
    None
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::Request;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn seen(request: Request) -> String {
        format!("{:?}", matched_template(request.extensions()))
    }

    #[tokio::test]
    async fn matched_template_is_whole_in_nested_router() {
        let inner = Router::new().route("/models/{id}", get(seen));
        let router = Router::new().nest("/v1", inner).fallback(seen);
        for (path, template) in [
            ("/v1/models/gpt", "Some(\"/v1/models/{id}\")"),
            ("/v1/models", "None"),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, template, "{path}");
        }
    }
}
