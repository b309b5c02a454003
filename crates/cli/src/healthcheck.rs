//! Asks a running gateway whether it is ready, for images that have no other program.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use crate::error::Error;

/// The longest wait for a connection, and for each part of the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ask a running gateway for its health; exit with 0 if it is ready.
///
/// It is the HEALTHCHECK of a container image without a shell.
#[derive(Debug, Args)]
pub(crate) struct HealthcheckArgs {
    /// Address that serves the health endpoints without TLS, as the gateway's --admin-listen has it
    #[arg(long, value_name = "ADDR", env = "GATEWAY_ADMIN_LISTEN")]
    #[arg(default_value = "127.0.0.1:8080")]
    admin_listen: SocketAddr,

    /// Path to ask: /readyz, or /healthz for a process that is alive
    #[arg(long, value_name = "PATH", default_value = "/readyz")]
    #[arg(value_parser = ["/readyz", "/healthz"])]
    path: String,
}

pub(crate) fn run(args: &HealthcheckArgs) -> Result<(), Error> {
    let address = reachable(args.admin_listen);
    let status = ask(address, &args.path)
        .map_err(|error| Error::failed(format!("no answer from {address}: {error}")))?;
    match status.as_str() {
        "200" => Ok(()),
        _ => Err(Error::no(format!("not healthy: status {status}"))),
    }
}

/// Returns the address that reaches a listener on this machine: one on all addresses is on
/// loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}

/// Sends the request, and returns the three digits of the answer's status.
fn ask(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut head = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut head)?;
    match head.strip_prefix(b"HTTP/1.1 ") {
        Some(status) if status.iter().all(u8::is_ascii_digit) => {
            Ok(String::from_utf8_lossy(status).into_owned())
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the answer is not HTTP/1.1; a listener with TLS needs --admin-listen beside it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reachable_address_is_loopback_for_all_addresses() {
        for (address, expected) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(reachable(address).to_string(), expected);
        }
    }
}
