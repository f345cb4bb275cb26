#include "tests/fuzz/driven_client.h"

#include <sched.h>

#include <utility>

#include "absl/time/clock.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fake_clock.h"
#include "tests/fuzz/seqpacket_connection_driver.h"

namespace udsrpc::fuzz {
namespace {

// No input leaves so much to be done.
constexpr int kMostRounds = 20000;

std::unique_ptr<Dialer> MakeDialer(Dialer** dialer) {
  FakeClock::Reset();
  std::unique_ptr<Dialer> made = Dialer::With(UniqueFd(), "fd:f", SocketKind::kSeqpacket, ChannelOptions());
  *dialer = made.get();
  return made;
}

}  // namespace

DrivenClient::DrivenClient(const SeqpacketConnection::Limits& limits)
    : limits_(limits),
      connector_(MakeDialer(&dialer_), limits_),
      starts_(connector_.name(), [this] { return connector_.TryConnect(); }) {
  Reconnect();
}

DrivenClient::~DrivenClient() {
  Close();
  Settle();
  AwaitStarts();
  if (const std::shared_ptr<SeqpacketConnection> connection = connector_.Current(); connection != nullptr) {
    connector_.Forget(*connection);
  }
  for (const Link& link : links_) {
    // A connector lets go of one that takes no more calls when it looks for the next; nobody has it otherwise.
    FUZZ_CHECK(link.client.use_count() <= (&link == &links_.back() ? 2 : 1));
  }
}

void DrivenClient::Reconnect() {
  AwaitStarts();
  if (connector_.Current() != nullptr) return;
  UniqueFd client;
  RawEnd server = RawEnd::Pair(&client);
  dialer_->GiveBack(std::move(client));
  FUZZ_CHECK(connector_.TryConnect().code == absl::StatusCode::kOk);
  std::shared_ptr<SeqpacketConnection> connection = connector_.Current();
  FUZZ_CHECK(connection != nullptr);
  SeqpacketConnectionDriver::TakeOver(*connection);
  links_.push_back(Link{.server = std::move(server), .client = std::move(connection), .words = {}});
}

void DrivenClient::AwaitStarts() {
  const absl::Time give_up = absl::Now() + absl::Seconds(60);  // by the wall clock, which goes on
  while (!starts_.idle()) {
    FUZZ_CHECK(absl::Now() < give_up);
    sched_yield();
  }
}

void DrivenClient::Send(absl::string_view packet, size_t descriptors) {
  AwaitStarts();
  Link& link = links_.back();
  if (link.server.Send(packet, descriptors)) link.words.OnSent(packet);
}

void DrivenClient::Turn(int times) {
  for (int i = 0; i < times; ++i) {
    for (Link& link : links_) {
      AwaitStarts();
      SeqpacketConnectionDriver::Turn(*link.client);
    }
  }
  AwaitStarts();
}

bool DrivenClient::Receive(Link& link) {
  const std::optional<RawEnd::Packet> packet = link.server.Receive();
  if (packet) link.words.OnReceived(*packet);
  return packet.has_value();
}

bool DrivenClient::Receive() { return Receive(links_.back()); }

void DrivenClient::Settle() {
  int quiet = 0;
  for (int turns = 0; quiet < 3; ++turns) {
    FUZZ_CHECK(turns < kMostRounds);
    bool changed = false;
    for (Link& link : links_) {
      AwaitStarts();
      const int unread = link.server.unread();
      changed |= SeqpacketConnectionDriver::Turn(*link.client);
      while (Receive(link)) changed = true;
      changed |= unread != link.server.unread();  // one without calls does not read
    }
    quiet = changed ? 0 : quiet + 1;
  }
  AwaitStarts();
}

void DrivenClient::Close() {
  for (Link& link : links_) link.server.Close();
}

}  // namespace udsrpc::fuzz
