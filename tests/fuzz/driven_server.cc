#include "tests/fuzz/driven_server.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "tests/fuzz/check.h"
#include "tests/fuzz/event_loop_driver.h"
#include "tests/fuzz/fake_clock.h"

namespace udsrpc::fuzz {
namespace {

// No input leaves so much to be done.
constexpr int kMostTurns = 20000;

std::unique_ptr<SeqpacketServerTransport> MakeTransport(const MethodTable& methods, const ServerOptions& options,
                                                        ServingLoop** loop) {
  SeqpacketServerTransport::Loops loops;
  loops.push_back(std::make_unique<ServingLoop>(
      EventLoopDriver::Make(std::make_shared<HandlerSlots>(options.max_handler_threads))));
  *loop = loops.front().get();
  return std::make_unique<SeqpacketServerTransport>(methods, options, std::move(loops));
}

}  // namespace

DrivenServer::DrivenServer(const ServerOptions& options, const UserLimits& limits)
    : limits_(limits), user_(std::make_shared<User>(limits)) {
  FakeClock::Reset();
  FUZZ_CHECK(methods_.Add(*service_).ok());
  transport_ = MakeTransport(methods_, options, &loop_);
  const auto peer = std::make_shared<const Peer>("unix:/f", "", Transport::kSeqpacket, getpid(), Peer::Ids{}, "", -1);
  caller_ = std::make_shared<const Caller>(peer, user_);
  connection_ = std::make_shared<SeqpacketServerConnection>(*transport_, *loop_, std::move(server_socket_), caller_);
  FUZZ_CHECK(connection_->Start().ok());
}

DrivenServer::~DrivenServer() {
  client_.Close();
  Settle();
  for (FuzzService::Handler& handler : service_->handlers()) {
    if (!handler.running()) continue;
    FUZZ_CHECK(handler.context().IsCancelled());
    FUZZ_CHECK(handler.times_cancelled() == 1);
    FUZZ_CHECK(!handler.busy());
    handler.Finish(absl::OkStatus(), 0, 0);
  }
  Settle();
  for (const FuzzService::Handler& handler : service_->handlers()) {
    FUZZ_CHECK(!handler.running() && !handler.busy() && handler.times_cancelled() <= 1);
  }
  FUZZ_CHECK(connection_.use_count() == 1);
  connection_.reset();
  FUZZ_CHECK(caller_.use_count() == 1 && caller_->counts().started() == caller_->counts().ended());
  CheckUser();
  // Hangs where a call has not ended.
  transport_->Shutdown(absl::InfinitePast());
}

void DrivenServer::CheckUser() {
  std::vector<User::Share> calls(static_cast<size_t>(limits_.max_calls));
  for (User::Share& call : calls) FUZZ_CHECK(user_->TakeCall(&call));
  User::Held bytes;
  User::Held fds;
  FUZZ_CHECK(user_->HoldBytes(bytes, limits_.max_bytes));
  FUZZ_CHECK(user_->HoldFds(fds, limits_.max_untaken_fds));
  FUZZ_CHECK(user_->untaken_fds()->Add(limits_.max_untaken_fds));
  user_->untaken_fds()->Remove(limits_.max_untaken_fds);
}

void DrivenServer::Send(absl::string_view packet, size_t descriptors) {
  if (!client_.Send(packet, descriptors)) {
    // It does not read where its answers are not taken.
    Turn();
    if (!client_.Send(packet, descriptors)) return;
  }
  words_.OnSent(packet);
}

void DrivenServer::Turn(int times) {
  for (int i = 0; i < times; ++i) EventLoopDriver::Turn(*loop_->loop);
}

bool DrivenServer::Receive() {
  const std::optional<RawEnd::Packet> packet = client_.Receive();
  if (packet) words_.OnReceived(*packet);
  return packet.has_value();
}

void DrivenServer::ReceiveAll() {
  while (Receive()) {
  }
}

void DrivenServer::Settle() {
  int quiet = 0;
  for (int turns = 0; quiet < 3; ++turns) {
    FUZZ_CHECK(turns < kMostTurns);
    const bool ran = EventLoopDriver::Turn(*loop_->loop);
    const bool received = Receive();
    ReceiveAll();
    quiet = ran || received || (client_.unread() > 0 && !client_.at_end()) ? 0 : quiet + 1;
  }
}

}  // namespace udsrpc::fuzz
