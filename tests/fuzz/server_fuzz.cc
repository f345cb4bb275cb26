// A server's connection, whole, and a client that may send anything while handlers do anything. The input is a program
// of steps; time and threads are the fuzzer's, so that it runs the same each time.
//
// Whatever the program: what the server says keeps the rules (see ServerWords), and a client that kept them as well has
// a STATUS of each call once the handlers have ended. When the client has gone, every call has been told and ends,
// nothing that counts against its user is left, nor a descriptor, and no more memory was used than what was sent and
// written called for.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/src/wire/frame.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/driven_server.h"
#include "tests/fuzz/fake_clock.h"
#include "tests/fuzz/frame_steps.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/process_state.h"

namespace udsrpc::fuzz {
namespace {

// What is there for any program: packets' and messages' memory that is used again. And what a call may have beside what
// its handler writes: twice its credit, as a packet may be kept for half of what it holds, and a request.
constexpr size_t kMemory = 10 << 20;
constexpr size_t kMemoryOfCall = 2 * 4 * wire::kMaxPacketBytes + 200000;

ServerOptions OptionsOf(uint8_t byte) {
  ServerOptions options;
  options.max_receive_message_bytes = 100000;
  options.max_metadata_bytes = 1000;
  options.max_receive_fds = (byte & 1) != 0 ? 0 : 2;
  options.max_untaken_fds = 6;
  options.max_connection_idle = (byte & 2) != 0 ? absl::Seconds(10) : absl::InfiniteDuration();
  options.max_handler_threads = (byte & 4) != 0 ? 1 : 8;
  options.spin_budget = absl::ZeroDuration();
  return options;
}

UserLimits LimitsOf(uint8_t byte) {
  const bool small = (byte & 8) != 0;
  return UserLimits{.max_connections = 10,
                    .max_calls = small ? 3 : 1000,
                    .max_bytes = small ? size_t{150000} : size_t{256} << 20,
                    .max_untaken_fds = small ? size_t{4} : size_t{256}};
}

class Program {
 public:
  explicit Program(FuzzInput input)
      : input_(input), settings_(input_.Byte()), server_(OptionsOf(settings_), LimitsOf(settings_)) {}

  void Run() {
    const size_t before = AllocatedBytes();
    if ((settings_ & 0x10) == 0) Append(HelloOf(/*client=*/true));
    while (!input_.empty()) {
      Step();
      FUZZ_CHECK(AllocatedBytes() <= before + kMemory + calls_ * kMemoryOfCall + 3 * written_);
    }
    Flush(0);
    server_.Settle();
    if (!server_.client().at_end() && !server_.words().ended() && server_.client().open()) Conclude();
  }

 private:
  void Step() {
    using Type = wire::FrameType;
    // Of the client, those that it sends most are the likeliest.
    constexpr Type kTypes[] = {Type::kCall,   Type::kCall,      Type::kCall,   Type::kMessage, Type::kMessage,
                               Type::kCredit, Type::kHalfClose, Type::kCancel, Type::kPing,    Type::kGoaway,
                               Type::kHello,  Type::kInitial,   Type::kStatus};
    constexpr uint8_t kFrames = std::size(kTypes);
    const uint8_t step = input_.Below(kFrames + 19);
    if (step < kFrames) {
      if (kTypes[step] == Type::kCall) ++calls_;
      return Append(FrameOf(kTypes[step], input_));
    }
    switch (step - kFrames) {
      case 0:
        ++calls_;  // for all that one knows
        return Append(StrangeFrame(input_));
      case 1:
        return Spoil();
      case 2:
      case 3:
        return Flush(0);
      case 4:
        return Flush(input_.Below(5));
      case 5:
        return server_.Turn(1 + static_cast<int>(input_.Below(4)));
      case 6:
        server_.Receive();
        return;
      case 7:
        return Advance();
      case 8:
        Flush(0);
        return server_.Settle();
      case 9:
        return Shut();
      default:
        return Act();
    }
  }

  void Append(absl::string_view frame) {
    // A little more than a packet may have is worth to be tried, much more is not.
    if (packet_.size() + frame.size() > wire::kMaxPacketBytes + 100) Flush(0);
    packet_.append(frame.data(), frame.size());
  }

  void Spoil() {
    const auto place = static_cast<size_t>(input_.Number(2));
    const uint8_t change = input_.Byte();
    if (!packet_.empty()) packet_[place % packet_.size()] ^= static_cast<char>(change);
  }

  void Flush(size_t descriptors) {
    if (packet_.empty()) return;
    server_.Send(packet_, descriptors);
    packet_.clear();
    server_.Turn();
  }

  void Advance() {
    constexpr absl::Duration kSteps[] = {absl::Microseconds(1), absl::Milliseconds(1), absl::Milliseconds(500),
                                         absl::Seconds(1),      absl::Seconds(10),     absl::Hours(1)};
    FakeClock::Advance(kSteps[input_.Below(std::size(kSteps))]);
    server_.Turn();
  }

  void Shut() {
    switch (input_.Below(8)) {
      case 0:
        return server_.Drain();
      case 1:
        return server_.Farewell();
      case 2:
        return server_.Close();
      case 3:
        return server_.client().ShutdownWriting();
      default:
        return;
    }
  }

  // Of a handler.
  void Act() {
    auto& handlers = server_.service().handlers();
    const uint8_t which = input_.Byte();
    const uint8_t what = input_.Byte();
    if (handlers.empty()) return;
    FuzzService::Handler& handler = handlers[handlers.size() - 1 - which % handlers.size()];
    switch (what % 8) {
      case 0:
        return handler.Read(/*impatient=*/(what & 8) != 0);
      case 1:
      case 2: {
        const size_t size = input_.MessageSize();
        if (handler.running()) written_ += size;
        return handler.Write(size, (what & 0x70) == 0x70 ? 1 + which % 3 : 0);
      }
      case 3:
        return (what & 8) != 0 ? handler.SendInitialMetadata() : handler.TakeFds();
      case 4:
        return handler.StopReading();
      default: {
        const size_t size = input_.MessageSize();
        if (handler.running()) written_ += size;
        const bool ok = (what & 8) == 0;
        return handler.Finish(ok ? absl::OkStatus() : absl::AbortedError("as the input wants it"), size,
                              (what & 0x70) == 0x70 ? 1 + which % 3 : 0);
      }
    }
  }

  // A client that kept the rules hears of all of its calls.
  void Conclude() {
    for (FuzzService::Handler& handler : server_.service().handlers()) handler.Finish(absl::OkStatus(), 10, 0);
    server_.Settle();
    constexpr uint32_t kPlenty = 1 << 22;
    std::string credit;
    std::vector<uint32_t> calls = server_.words().OpenCalls();
    calls.push_back(0);
    for (const uint32_t call : calls) {
      if (!server_.words().MayGive(call, kPlenty)) continue;
      credit += wire::SerializeFrame(wire::CreditFrame{.call = call, .bytes = kPlenty});
      // Requests that have not all come never will.
      if (call != 0) credit += wire::SerializeFrame(wire::CancelFrame{.call = call, .code = 1});
    }
    if (!server_.words().said_hello()) return;  // it has nothing to say to who has not
    if (credit.size() > wire::kMaxPacketBytes) return;
    server_.Send(credit, 0);
    server_.Settle();
    if (server_.client().at_end() || server_.words().ended()) return;
    FUZZ_CHECK(server_.service().running() == 0);
    FUZZ_CHECK(server_.words().OpenCalls().empty());
  }

  FuzzInput input_;
  const uint8_t settings_;
  DrivenServer server_;
  std::string packet_;
  size_t calls_ = 0;
  size_t written_ = 0;
};

}  // namespace
}  // namespace udsrpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace udsrpc::fuzz;  // NOLINT(google-build-using-namespace)
  const int open_before = OpenDescriptors();
  Program(FuzzInput(data, size)).Run();
  FUZZ_CHECK(OpenDescriptors() == open_before);
  return 0;
}
