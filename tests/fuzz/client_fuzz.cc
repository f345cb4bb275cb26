// A client's connections, whole, and a server that may send anything while the application does anything. The input is
// a program of steps; time and threads are the fuzzer's, so that it runs the same each time.
//
// Whatever the program: what the client says keeps the rules (see ClientWords), and no completion runs twice, or within
// the call that it was given to. When the server has gone, every operation and every call has ended, no descriptor is
// left, and no more memory was used than what was sent and written called for.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <string>

#include "common/src/wire/frame.h"
#include "common/src/wire/limits.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/client_calls.h"
#include "tests/fuzz/driven_client.h"
#include "tests/fuzz/fake_clock.h"
#include "tests/fuzz/frame_steps.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_service.h"
#include "tests/fuzz/process_state.h"

namespace udsrpc::fuzz {
namespace {

// As in server_fuzz.cc.
constexpr size_t kMemory = 10 << 20;
constexpr size_t kMemoryOfCall = 2 * 4 * wire::kMaxPacketBytes + 200000;

SeqpacketConnection::Limits LimitsOf(uint8_t byte) {
  return {.max_receive_message_bytes = 100000,
          .max_metadata_bytes = 1000,
          .max_receive_fds = (byte & 1) != 0 ? size_t{0} : 2,
          .max_untaken_fds = 6,
          .keepalive_time = (byte & 2) != 0 ? absl::Seconds(10) : absl::InfiniteDuration(),
          .keepalive_timeout = absl::Seconds(20),
          .spin_budget = absl::ZeroDuration()};
}

class Program {
 public:
  explicit Program(FuzzInput input) : input_(input), settings_(input_.Byte()), client_(LimitsOf(settings_)) {}

  void Run() {
    const size_t before = AllocatedBytes();
    if ((settings_ & 4) == 0) Append(HelloOf(/*client=*/false));
    while (!input_.empty()) {
      Step();
      const size_t calls = unary_.size() + streams_.size();
      FUZZ_CHECK(AllocatedBytes() <= before + kMemory + calls * kMemoryOfCall + 3 * written_);
    }
    Flush(0);
    client_.Settle();
    if ((settings_ & 8) == 0) Conclude();
  }

 private:
  void Step() {
    using Type = wire::FrameType;
    // Of the server, those that it sends most are the likeliest.
    constexpr Type kTypes[] = {Type::kStatus, Type::kStatus, Type::kStatus,    Type::kMessage, Type::kMessage,
                               Type::kCredit, Type::kCredit, Type::kInitial,   Type::kHello,   Type::kGoaway,
                               Type::kPing,   Type::kCall,   Type::kHalfClose, Type::kCancel};
    constexpr uint8_t kFrames = std::size(kTypes);
    const uint8_t step = input_.Below(kFrames + 26);
    if (step < kFrames) return Append(FrameOf(kTypes[step], input_));
    switch (step - kFrames) {
      case 0:
        return Append(StrangeFrame(input_));
      case 1:
        return Spoil();
      case 2:
      case 3:
        return Flush(0);
      case 4:
        return Flush(input_.Below(5));
      case 5:
        return client_.Turn(1 + static_cast<int>(input_.Below(4)));
      case 6:
        client_.Receive();
        return;
      case 7:
        return Advance();
      case 8:
        Flush(0);
        return client_.Settle();
      case 9:
        return input_.Below(4) == 0 ? client_.Close() : client_.Reconnect();
      case 10:
      case 11:
      case 12:
        unary_.push_back(std::make_unique<UnaryCallOfFuzzer>(client_.transport(), Settings()));
        return client_.Turn();
      case 13:
        return ActOnUnary();
      case 14:
      case 15:
      case 16:
        return StartStream();
      default:
        return ActOnStream();
    }
  }

  void Append(absl::string_view frame) {
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
    client_.Send(packet_, descriptors);
    packet_.clear();
    client_.Turn(2);
  }

  void Advance() {
    constexpr absl::Duration kSteps[] = {absl::Microseconds(1), absl::Milliseconds(1), absl::Milliseconds(500),
                                         absl::Seconds(1),      absl::Seconds(10),     absl::Hours(1)};
    FakeClock::Advance(kSteps[input_.Below(std::size(kSteps))]);
    client_.Turn();
  }

  CallSettings Settings() {
    const uint8_t flags = input_.Byte();
    CallSettings settings{.request_size = input_.MessageSize(), .metadata = (flags & 1) != 0};
    if ((flags & 0x30) == 0x30) settings.descriptors = 1 + (flags >> 6);
    if ((flags & 2) != 0) settings.timeout = absl::Milliseconds((flags & 4) != 0 ? 5000 : 1);
    written_ += settings.request_size;
    return settings;
  }

  // One of the latest, or null.
  template <typename Call>
  std::unique_ptr<Call>* Pick(std::deque<std::unique_ptr<Call>>& calls) {
    const uint8_t which = input_.Byte();
    if (calls.empty()) return nullptr;
    return &calls[calls.size() - 1 - which % calls.size()];
  }

  void ActOnUnary() {
    std::unique_ptr<UnaryCallOfFuzzer>* const call = Pick(unary_);
    const bool destroy = input_.Flag();
    if (call == nullptr || *call == nullptr) return;
    destroy ? call->reset() : (*call)->Cancel();
  }

  void StartStream() {
    constexpr MethodKind kKinds[] = {MethodKind::kServerStreaming, MethodKind::kClientStreaming,
                                     MethodKind::kBidiStreaming};
    const uint32_t kind = input_.Below(std::size(kKinds));
    const MethodDescriptor method{.path = FuzzService::kPaths[1 + kind], .kind = kKinds[kind]};
    streams_.push_back(std::make_unique<StreamOfFuzzer>(client_.transport(), method, Settings()));
    client_.Turn();
  }

  void ActOnStream() {
    std::unique_ptr<StreamOfFuzzer>* const call = Pick(streams_);
    const uint8_t what = input_.Byte();
    if (call == nullptr || *call == nullptr) return;
    StreamOfFuzzer& stream = **call;
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
        return stream.Read();
      case 4:
      case 5:
      case 6:
      case 7: {
        const size_t size = input_.MessageSize();
        written_ += size;
        return stream.Write(size, /*last=*/(what & 0x10) != 0, (what & 0xC0) == 0xC0 ? 1 + what % 3 : 0);
      }
      case 8:
        return stream.HalfClose();
      case 9:
        return stream.AwaitInitialMetadata();
      case 10:
      case 11:
        return stream.Finish();
      case 12:
        return stream.Cancel();
      case 13:
        return stream.TakeFds();
      case 14:
        return (what & 0x10) != 0 ? stream.ForgetRead() : stream.ForgetWrite();
      default:
        return call->reset();
    }
  }

  // Without a server every call ends.
  void Conclude() {
    client_.Close();
    client_.Settle();
    for (const std::unique_ptr<UnaryCallOfFuzzer>& call : unary_) FUZZ_CHECK(call == nullptr || call->over());
    for (const std::unique_ptr<StreamOfFuzzer>& stream : streams_) {
      if (stream == nullptr) continue;
      FUZZ_CHECK(!stream->reading() && !stream->writing());
      stream->Finish();
    }
    client_.Settle();
    for (const std::unique_ptr<StreamOfFuzzer>& stream : streams_) FUZZ_CHECK(stream == nullptr || stream->over());
  }

  FuzzInput input_;
  const uint8_t settings_;
  DrivenClient client_;
  std::deque<std::unique_ptr<UnaryCallOfFuzzer>> unary_;
  std::deque<std::unique_ptr<StreamOfFuzzer>> streams_;
  std::string packet_;
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
