//! Rules of the application's own.

use std::convert::Infallible;
use std::future::ready;

use http::{HeaderMap, StatusCode};
use tower::{Layer, service_fn};
use tower_rotating_auth::{
    outbound::adapter::{ClassifyRejection, ClientAdapter, Verdict},
    outbound::{AuthScheme, InjectKeyLayer, Outcome, RotatingCredential},
};

use super::{ORIGIN, Says, URL, bearer, headers, response, says_to};

#[tokio::test(start_paused = true)]
async fn own_rule_makes_answers_inconclusive() {
    for (status, lines, expected) in [
        (401, &[] as &[_], Says::Rejected),
        (401, &[("x-firewall", "1")], Says::Nothing),
        (403, &[("x-firewall", "1")], Says::Nothing),
        (403, &[], Says::Rejected),
        (200, &[("x-firewall", "1")], Says::Nothing),
        (203, &[], Says::Nothing),
        (200, &[], Says::Proven),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let configure = |inject: InjectKeyLayer| {
            inject
                .inconclusive_if(|status, _| status == StatusCode::NON_AUTHORITATIVE_INFORMATION)
                .inconclusive_if(|_, headers| headers.contains_key("x-firewall"))
                .rejected_by(StatusCode::FORBIDDEN)
        };
        let response = response(status, &headers(lines));
        let found = says_to(bearer, configure, response).await;
        assert_eq!(found, expected, "{status} {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_by_401_ignores_challenges() {
    let basic = headers(&[("www-authenticate", "Basic realm=\"InfluxDB\"")]);
    let response = response(StatusCode::UNAUTHORIZED, &basic);
    let configure = |inject: InjectKeyLayer| inject.rejected_by(StatusCode::UNAUTHORIZED);
    assert_eq!(says_to(bearer, configure, response).await, Says::Rejected);
}

#[tokio::test(start_paused = true)]
async fn verdict_in_extensions_counts() {
    for status in [
        StatusCode::OK,
        StatusCode::UNAUTHORIZED,
        StatusCode::IM_A_TEAPOT,
    ] {
        for (verdict, expected) in [
            (Verdict::Rejected, Says::Rejected),
            (Verdict::Accepted, Says::Proven),
            (Verdict::Inconclusive, Says::Nothing),
        ] {
            let mut response = response(status, &headers(&[]));
            response.extensions_mut().insert(verdict);
            let found = says_to(bearer, |inject| inject, response).await;
            assert_eq!(found, expected, "{status} {verdict:?}");
        }
    }
}

fn reqwest(status: StatusCode, lines: &[(&'static str, &'static str)]) -> reqwest::Response {
    response(status, &headers(lines)).into()
}

#[test]
fn client_adapter_classifies_by_head_or_status() {
    type Answer = Result<reqwest::Response, ()>;
    let requests = || {
        ClientAdapter::new(
            reqwest::Request::url,
            reqwest::Request::headers_mut,
            reqwest::Request::try_clone,
        )
    };
    let by_head = requests().head(reqwest::Response::status, reqwest::Response::headers);
    let by_status = requests().status(reqwest::Response::status);
    let grpc = &[("content-type", "application/grpc"), ("grpc-status", "16")];
    let basic = &[("www-authenticate", "Basic realm=\"a\"")];
    for (answer, head, status) in [
        (Ok((200, &[] as &[_])), Verdict::Accepted, Verdict::Accepted),
        (Ok((200, grpc)), Verdict::Rejected, Verdict::Accepted),
        (Ok((401, &[])), Verdict::Rejected, Verdict::Rejected),
        (Ok((401, basic)), Verdict::Inconclusive, Verdict::Rejected),
        (Ok((404, &[])), Verdict::Inconclusive, Verdict::Inconclusive),
        (Err(()), Verdict::Inconclusive, Verdict::Inconclusive),
    ] {
        let answer: Answer =
            answer.map(|(status, lines)| reqwest(StatusCode::from_u16(status).unwrap(), lines));
        let scheme = Some(&AuthScheme::BEARER);
        assert_eq!(by_head.classify(&answer, scheme), head, "{answer:?}");
        assert_eq!(by_status.classify(&answer, scheme), status, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn client_adapter_has_own_rules() {
    type Answer = Result<reqwest::Response, Infallible>;
    let adapter = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    )
    .head(reqwest::Response::status, reqwest::Response::headers)
    .extensions(reqwest::Response::extensions_mut)
    .inconclusive_if(|answer: &Answer| {
        let headers: &HeaderMap = answer.as_ref().unwrap().headers();
        headers.contains_key("x-firewall")
    });
    let (key, _publisher) = RotatingCredential::manual(bearer("key"));
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap().adapter(adapter);
    for (lines, is_rejection) in [(&[] as &[_], true), (&[("x-firewall", "1")], false)] {
        let client = inject.layer(service_fn(move |_: reqwest::Request| {
            ready(Ok(reqwest(StatusCode::UNAUTHORIZED, lines)))
        }));
        let request = reqwest::Request::new(http::Method::GET, URL.parse().unwrap());
        let answer = client.oneshot(request).await.unwrap();
        assert_eq!(answer.extensions().get::<Outcome>().is_some(), is_rejection);
    }
}

#[test]
fn rule_over_results_takes_each_other_ok_for_proof() {
    let adapter = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    )
    .rejects(|answer: &Result<u8, u8>| *answer == Err(1))
    .inconclusive_if(|answer| *answer == Ok(7))
    .inconclusive_if(|answer| *answer == Ok(8));
    for (answer, verdict) in [
        (Err(1), Verdict::Rejected),
        (Err(2), Verdict::Inconclusive),
        (Ok(7), Verdict::Inconclusive),
        (Ok(8), Verdict::Inconclusive),
        (Ok(1), Verdict::Accepted),
    ] {
        assert_eq!(adapter.classify(&answer, None), verdict, "{answer:?}");
        assert_eq!(adapter.rejects(&answer, None), verdict == Verdict::Rejected);
        assert_eq!(adapter.accepts(&answer, None), verdict == Verdict::Accepted);
    }
}
