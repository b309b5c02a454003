//! Honest clients while others attack.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::harness::{Gateway, serve};
use crate::{CLIENT, number};

/// Honest clients, each of which sends one request after the other, on a connection of its own.
const HONEST: usize = 4;
/// Limit of the gateway's memory, in MiB.
const MEMORY: u64 = 512;
/// How many connections to the upstream stay open for the next requests.
const IDLE: usize = 64;
/// How long after an attack its connections may last.
const BACK: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
enum Attack {
    /// 1,024 connections that ask and never read.
    NeverRead,
    /// 3,000 connections that say nothing.
    Silent,
    /// 400 uploads of a client with a key, of which none ends.
    Uploads,
    /// Unknown tokens, as many as there can be, up to 10,000 a second.
    UnknownTokens,
}

/// How many unknown tokens are sent each second.
const TOKENS: u64 = 10_000;
/// How many of them go out at once. The gateway closes a connection after so many refusals.
const PIPELINE: usize = 16;
const UNKNOWN: &[u8] = b"GET /v1/models HTTP/1.1\r\nhost: g\r\nx-api-key: trk_unknown\r\n\r\n";
/// Clients of the benign load.
const BENIGN: usize = 64;

/// Clients on a thread of their own, so that the honest ones do not wait for them here.
struct Load {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Load {
    fn start<F>(clients: usize, client: impl Fn(usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut running = JoinSet::new();
                for number in 0..clients {
                    running.spawn(client(number));
                }
                drop(stopped.await);
                running.shutdown().await;
            });
        });
        Self { stop, thread }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        spawn_blocking(|| self.thread.join())
            .await
            .unwrap()
            .unwrap();
    }
}

/// The answers that honest clients got.
#[derive(Debug, Default)]
struct Seen {
    times: Vec<Duration>,
    failed: usize,
}

impl Seen {
    fn percentile(&self, percent: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort();
        times[(times.len() * percent / 100).min(times.len() - 1)]
    }
}

/// Sends a request on a new connection.
async fn ask(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "POST /v1/chat HTTP/1.1\r\nhost: g\r\nx-api-key: {CLIENT}\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

/// A load that uses as much of the gateway's processor time each second as an attack did.
#[derive(Clone)]
struct Benign {
    process: u32,
    share: f64,
    /// Whether the load is below its share.
    may_ask: Arc<AtomicBool>,
}

impl Benign {
    fn of(process: u32, share: f64) -> Self {
        Self {
            process,
            share,
            may_ask: Arc::default(),
        }
    }

    /// Compares what was used so far with the share.
    async fn control(self) {
        let (begun, before) = (Instant::now(), processor_time(self.process));
        loop {
            let used = processor_time(self.process) - before;
            let due = begun.elapsed().mul_f64(self.share);
            self.may_ask.store(used < due, Ordering::Relaxed);
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks again and again on one connection, while the load is below its share.
    async fn ask(self, address: SocketAddr) {
        let request = format!(
            "POST /v1/chat HTTP/1.1\r\nhost: g\r\nx-api-key: {CLIENT}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = vec![0; 4096];
        loop {
            if !self.may_ask.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(5)).await;
                continue;
            }
            stream.write_all(request.as_bytes()).await.unwrap();
            assert!(stream.read(&mut answer).await.unwrap() > 0);
        }
    }
}

/// Lets honest clients ask for a while.
async fn honest(address: SocketAddr, clients: usize, end: Instant) -> Seen {
    let mut running = JoinSet::new();
    for _ in 0..clients {
        running.spawn(async move {
            let mut seen = Seen::default();
            while Instant::now() < end {
                let begun = Instant::now();
                let answered = timeout(Duration::from_secs(30), ask(address)).await;
                seen.failed += usize::from(!matches!(answered, Ok(Ok(true))));
                seen.times.push(begun.elapsed());
            }
            seen
        });
    }
    let mut all = Seen::default();
    for seen in running.join_all().await {
        all.times.extend(seen.times);
        all.failed += seen.failed;
    }
    all
}

impl Attack {
    const ALL: [Self; 4] = [
        Self::NeverRead,
        Self::Silent,
        Self::Uploads,
        Self::UnknownTokens,
    ];

    const fn connections(self) -> usize {
        match self {
            Self::NeverRead => 1024,
            Self::Silent => 3000,
            Self::Uploads => 400,
            Self::UnknownTokens => 32,
        }
    }

    /// Attacks on one connection until it is stopped, and again if the gateway hangs up. Counts
    /// refusals.
    async fn run(self, address: SocketAddr, refused: Arc<AtomicUsize>) {
        if matches!(self, Self::UnknownTokens) {
            return self.unknown_tokens(address, &refused).await;
        }
        loop {
            if let Ok(stream) = TcpStream::connect(address).await {
                drop(self.converse(stream).await);
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Sends a pipeline of unknown tokens on a new connection, as often as this one's share of all
    /// has it.
    async fn unknown_tokens(self, address: SocketAddr, refused: &AtomicUsize) {
        let share = (self.connections() * PIPELINE) as u64;
        let pace = Duration::from_micros(1_000_000 * share / TOKENS);
        let pipeline = UNKNOWN.repeat(PIPELINE);
        let mut next = Instant::now();
        loop {
            let exchange = async {
                let mut stream = TcpStream::connect(address).await?;
                stream.write_all(&pipeline).await?;
                let mut answers = Vec::new();
                stream.read_to_end(&mut answers).await?;
                std::io::Result::Ok(answers)
            };
            if let Ok(answers) = exchange.await {
                let lines = answers.windows(13).filter(|line| line == b"HTTP/1.1 401 ");
                refused.fetch_add(lines.count(), Ordering::Relaxed);
            }
            next = Instant::now().max(next + pace);
            sleep_until(next).await;
        }
    }

    async fn converse(self, mut stream: TcpStream) -> std::io::Result<()> {
        match self {
            Self::NeverRead => loop {
                stream.write_all(UNKNOWN).await?;
            },
            Self::Silent => drop(stream.read_u8().await?),
            Self::Uploads => {
                let head = format!(
                    "POST /v1/files HTTP/1.1\r\nhost: g\r\nx-api-key: {CLIENT}\r\n\
                     content-length: 2000000\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&vec![b'a'; 1_000_000]).await?;
                stream.read_u8().await?;
            }
            Self::UnknownTokens => {}
        }
        Ok(())
    }
}

/// The processor time that a process has used, in ticks of 10 ms.
fn processor_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name of the program, in parentheses, may contain anything.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks = [fields[11], fields[12]].map(|ticks| ticks.parse::<u64>().unwrap());
    Duration::from_millis(10 * (ticks[0] + ticks[1]))
}

/// The gateway's memory in MiB, and its open files.
fn used(process: u32) -> (u64, usize) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    (kib / 1024, files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks_cost_no_honest_request() {
    let app = Router::new().fallback(async |body: Bytes| format!("{} bytes", body.len()));
    let upstream = serve(app).await;
    let gateway = Gateway::with_stalled_stderr(&format!("http://{upstream}"), |command| {
        command
            .env_remove("GATEWAY_MODE")
            .env("CLIENT_KEYS", CLIENT);
    })
    .await;
    let (address, process) = (gateway.address(), gateway.process());
    let seconds = Duration::from_secs(number("ATTACK_SECONDS", 5));

    let show = |name: &str, seen: &Seen| {
        println!(
            "{name}: {} requests, {} failed, median {:?}, p99 {:?}",
            seen.times.len(),
            seen.failed,
            seen.percentile(50),
            seen.percentile(99)
        );
    };
    let alone = honest(address, HONEST, Instant::now() + seconds).await;
    show("alone", &alone);
    let (memory, files) = used(process);
    println!("    memory {memory} MiB, {files} files");

    let mut faults = Vec::new();
    for attack in Attack::ALL {
        let refused = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&refused);
        let attackers = Load::start(attack.connections(), move |_| {
            attack.run(address, Arc::clone(&counted))
        });
        let (begun, before) = (Instant::now(), processor_time(process));
        let seen = honest(address, HONEST, begun + seconds).await;
        let took = begun.elapsed().as_secs_f64();
        let share = (processor_time(process) - before).as_secs_f64() / took;
        let refused = u32::try_from(refused.load(Ordering::Relaxed)).unwrap();
        let rate = f64::from(refused) / took;
        let (memory, open) = used(process);
        attackers.stop().await;
        show(&format!("{attack:?}"), &seen);
        let ended = Instant::now();
        let mut back = None;
        while back.is_none() && ended.elapsed() < BACK {
            sleep(Duration::from_millis(100)).await;
            let (_, open) = used(process);
            back = (open <= files + IDLE + 2 * HONEST).then(|| ended.elapsed());
        }
        println!("    memory {memory} MiB, {open} files, back after {back:?}");
        if matches!(attack, Attack::UnknownTokens) {
            println!("    {rate:.0} unknown tokens a second");
        }

        let benign = Benign::of(process, share);
        let load = Load::start(1 + BENIGN, move |number| {
            let benign = benign.clone();
            async move {
                match number {
                    0 => benign.control().await,
                    _ => benign.ask(address).await,
                }
            }
        });
        let (begun, before) = (Instant::now(), processor_time(process));
        let benign = honest(address, HONEST, begun + seconds).await;
        let equal =
            (processor_time(process) - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        load.stop().await;
        show("    a benign load", &benign);
        println!("    processor: {share:.2} under attack, {equal:.2} under the benign load");

        let limit = benign.percentile(50) * 2;
        for (is_right, what) in [
            (seen.failed == 0, "honest requests failed"),
            (seen.percentile(50) <= limit, "the median is too high"),
            (memory < MEMORY, "it takes too much memory"),
            (back.is_some(), "its connections last"),
        ] {
            if !is_right {
                faults.push(format!("{attack:?}: {what}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
