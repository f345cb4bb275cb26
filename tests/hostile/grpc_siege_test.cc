// What a client of HTTP/2 can cost a server of ours over gRPC, and the server's other clients. HTTP/2 is the library's
// to speak; what is shown is what of the library's, or of ours, bounds each of its known floods.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/hostile/http2_frames.h"
#include "tests/hostile/siege.h"
#include "tests/support/raw_client.h"
#include "tests/support/stream_frames.h"
#include "tests/support/thread_sanitizer.h"

namespace udsrpc::testing {
namespace {

using http2::Frame;
using http2::OpenStream;
using http2::Preface;
using http2::UnaryCall;
using HttpSent = Strike::Sent;

constexpr size_t kMebibyte = 1 << 20;
constexpr size_t kBurst = 64 << 10;

std::string MethodPath(const std::string& method) { return "/udsrpc.testing.Test/" + method; }

UniqueFd Begin(Strike& strike, absl::string_view settings = "") {
  UniqueFd fd = strike.Connect(SocketKind::kStream);
  if (fd.valid()) strike.Send(fd.get(), Preface(settings));
  return fd;
}

std::string Times(const std::string& bytes) {
  std::string burst;
  while (burst.size() + bytes.size() <= kBurst) burst += bytes;
  return burst.empty() ? bytes : burst;
}

// As long as there is time; on a new connection where the server closes, or, where it does not read, to no end.
void FloodWith(Strike& strike, const std::string& bytes, bool reads, const std::string& opening = "",
               absl::string_view settings = "") {
  while (strike.More()) {
    UniqueFd fd = Begin(strike, settings);
    if (!fd.valid()) continue;
    if (!opening.empty()) strike.Send(fd.get(), opening);
    HttpSent sent;
    while ((sent = strike.Send(fd.get(), bytes)) == HttpSent::kSent && strike.More()) {
      if (reads && !strike.Drain(fd.get())) break;
    }
    if (sent == HttpSent::kClosed) continue;
    strike.Hold(std::move(fd));
    if (sent == HttpSent::kFull) return;
  }
}

void ConnectsOnly(Strike& strike) { strike.Hold(strike.Connect(SocketKind::kStream)); }
void PrefaceOnly(Strike& strike) { strike.Hold(Begin(strike)); }
void SeqpacketHello(Strike& strike) {
  do {
    const UniqueFd fd = strike.Connect(SocketKind::kStream);
    if (!fd.valid()) continue;
    strike.Send(fd.get(), RawClient::Hello() + RawClient::EchoCall(1, "hi"));
    EXPECT_TRUE(Strike::AwaitClosed(fd.get()));
  } while (strike.More());
}
void RandomBytes(Strike& strike) {
  do {
    const UniqueFd fd = strike.Connect(SocketKind::kStream);
    if (!fd.valid()) continue;
    std::string bytes(1 + strike.random()() % 4096, '\0');
    for (char& byte : bytes) byte = static_cast<char>(strike.random()());
    strike.Send(fd.get(), (strike.random()() % 2 == 0 ? Preface() : "") + bytes + std::string(100, '\xff'));
    shutdown(fd.get(), SHUT_WR);
    EXPECT_TRUE(Strike::AwaitClosed(fd.get()));
  } while (strike.More());
}
void StreamReconnects(Strike& strike) {
  while (strike.More()) strike.Connect(SocketKind::kStream);
}

// CVE-2019-9512, -9515 and their kind: each is to be answered.
void SettingsFlood(Strike& strike) { FloodWith(strike, Times(Frame(http2::kSettings, 0, 0)), /*reads=*/true); }
void SettingsUnread(Strike& strike) { FloodWith(strike, Times(Frame(http2::kSettings, 0, 0)), /*reads=*/false); }
void PingFlood(Strike& strike) { FloodWith(strike, Times(Frame(http2::kPing, 0, 0, "12345678")), /*reads=*/true); }
void PingsUnreadOverGrpc(Strike& strike) {
  FloodWith(strike, Times(Frame(http2::kPing, 0, 0, "12345678")), /*reads=*/false);
}
// CVE-2019-9514: each is to be answered with RST_STREAM.
void ResetsUnread(Strike& strike) {
  uint32_t stream = 1;
  UniqueFd fd = Begin(strike);
  while (strike.More()) {
    std::string burst;
    for (; burst.size() < kBurst; stream += 2) burst += Frame(http2::kHeaders, http2::kEndHeaders, stream, "\x80");
    if (strike.Send(fd.get(), burst) != HttpSent::kSent) break;
  }
  strike.Hold(std::move(fd));
}
// CVE-2019-9518.
void EmptyData(Strike& strike) {
  FloodWith(strike, Times(Frame(http2::kData, 0, 1)), /*reads=*/true, OpenStream(1, MethodPath("Chat")));
}
// CVE-2024-27316 and its kind: header blocks that do not end.
void EmptyContinuations(Strike& strike) {
  FloodWith(strike, Times(Frame(http2::kContinuation, 0, 1)), /*reads=*/true,
            OpenStream(1, MethodPath("Chat"), /*flags=*/0));
}
void ContinuationFlood(Strike& strike) {
  const std::string fields = http2::Field("key", std::string(16000, 'v'));
  FloodWith(strike, Times(Frame(http2::kContinuation, 0, 1, fields)), /*reads=*/true,
            OpenStream(1, MethodPath("Chat"), /*flags=*/0));
}
// A field of 4 KB that the decoder remembers, and then a byte for each further one.
void HpackBomb(Strike& strike) {
  const std::string fields = http2::RequestFields(MethodPath("Echo")) +
                             http2::IndexedField("k", std::string(4000, 'v')) + std::string(12000, http2::kYoungest);
  uint32_t stream = 1;
  UniqueFd fd = Begin(strike);
  while (strike.More()) {
    const std::string call = Frame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, stream, fields);
    if (strike.Send(fd.get(), call) != HttpSent::kSent || !strike.Drain(fd.get())) break;
    stream += 2;
  }
  strike.Hold(std::move(fd));
}
// The same with calls whose answers are not read, so that they last.
void HpackBombUnread(Strike& strike) {
  const std::string fields = http2::RequestFields(MethodPath("Chat")) +
                             http2::IndexedField("k", std::string(4000, 'v')) + std::string(250, http2::kYoungest);
  uint32_t stream = 1;
  UniqueFd fd = Begin(strike);
  while (strike.More()) {
    if (strike.Send(fd.get(), Frame(http2::kHeaders, http2::kEndHeaders, stream, fields)) != HttpSent::kSent) break;
    stream += 2;
  }
  strike.Hold(std::move(fd));
}

// CVE-2023-44487.
void RapidReset(Strike& strike) {
  UniqueFd fd = Begin(strike);
  uint32_t stream = 1;
  const std::string cancel = http2::BigEndian(8, 4);
  while (strike.More()) {
    std::string burst;
    for (; burst.size() < kBurst; stream += 2) {
      burst += UnaryCall(stream, MethodPath("Block"), "") + Frame(http2::kRstStream, 0, stream, cancel);
    }
    if (strike.Send(fd.get(), burst) != HttpSent::kSent || !strike.Drain(fd.get())) break;
  }
  strike.Hold(std::move(fd));
}
// The other end of it, where the client makes the server reset (CVE-2025-8671): a window that overflows.
void MadeYouReset(Strike& strike) {
  UniqueFd fd = Begin(strike);
  uint32_t stream = 1;
  while (strike.More()) {
    std::string burst;
    for (; burst.size() < kBurst; stream += 2) {
      burst += UnaryCall(stream, MethodPath("Block"), "") +
               Frame(http2::kWindowUpdate, 0, stream, http2::BigEndian(0x7fffffff, 4));
    }
    if (strike.Send(fd.get(), burst) != HttpSent::kSent || !strike.Drain(fd.get())) break;
  }
  strike.Hold(std::move(fd));
}
void OpensStreams(Strike& strike) {
  UniqueFd fd = Begin(strike);
  for (uint32_t stream = 1; strike.More(); stream += 2) {
    if (strike.Send(fd.get(), OpenStream(stream, MethodPath("Chat"))) != HttpSent::kSent || !strike.Drain(fd.get())) {
      break;
    }
  }
  strike.Hold(std::move(fd));
}
void StreamNumbersAgain(Strike& strike) {
  FloodWith(strike, OpenStream(1, MethodPath("Chat")) + OpenStream(1, MethodPath("Chat")), /*reads=*/true);
}

// CVE-2019-9517 and -9511: a window through which nothing goes, or nearly nothing.
void ZeroWindow(Strike& strike) {
  UniqueFd fd = Begin(strike, http2::Setting(http2::kInitialWindowSize, 0));
  InflateRequest request;
  request.set_bytes(1 << 20);
  uint32_t stream = 1;
  while (strike.More()) {
    const std::string call = UnaryCall(stream, MethodPath("Inflate"), request.SerializeAsString());
    if (strike.Send(fd.get(), call) != HttpSent::kSent || !strike.Drain(fd.get())) break;
    stream += 2;
  }
  strike.Hold(std::move(fd));
}
void AnswersUnread(Strike& strike) {
  UniqueFd fd = Begin(strike, http2::Setting(http2::kInitialWindowSize, 0x7fffffff));
  strike.Send(fd.get(), Frame(http2::kWindowUpdate, 0, 0, http2::BigEndian(0x7fff0000, 4)));
  InflateRequest request;
  request.set_bytes(1 << 20);
  uint32_t stream = 1;
  while (strike.More()) {
    const std::string call = UnaryCall(stream, MethodPath("Inflate"), request.SerializeAsString());
    if (strike.Send(fd.get(), call) != HttpSent::kSent) break;
    stream += 2;
  }
  strike.Hold(std::move(fd));
}
void CountUnread(Strike& strike) {
  UniqueFd fd = Begin(strike, http2::Setting(http2::kInitialWindowSize, 0x7fffffff));
  strike.Send(fd.get(), Frame(http2::kWindowUpdate, 0, 0, http2::BigEndian(0x7fff0000, 4)));
  InflateRequest request;
  request.set_bytes(60000);
  request.set_messages(1 << 20);
  for (uint32_t stream = 1; stream < 100; stream += 2) {
    strike.Send(fd.get(), UnaryCall(stream, MethodPath("Count"), request.SerializeAsString()));
  }
  strike.Hold(std::move(fd));
}
void WindowOverflow(Strike& strike) {
  FloodWith(strike, Frame(http2::kWindowUpdate, 0, 0, http2::BigEndian(0x7fffffff, 4)), /*reads=*/true);
}
void WindowFlood(Strike& strike) {
  FloodWith(strike, Times(Frame(http2::kWindowUpdate, 0, 0, http2::BigEndian(1, 4))), /*reads=*/true);
}
// With a deadline, as gRPC 1.51 sometimes stops to read such a connection, and then sees its client's end when it
// writes.
void DataBeyondTheWindow(Strike& strike) {
  const std::string fields = http2::RequestFields(MethodPath("Hold")) + http2::Field("grpc-timeout", "4S");
  FloodWith(strike, Times(Frame(http2::kData, 0, 1, http2::GrpcMessage(std::string(16000, 'x')).substr(0, 16000))),
            /*reads=*/true, Frame(http2::kHeaders, http2::kEndHeaders, 1, fields));
}
// CVE-2019-9513.
void PriorityFlood(Strike& strike) {
  FloodWith(strike, Times(Frame(http2::kPriority, 0, 1, http2::BigEndian(3, 4) + "\x10")), /*reads=*/true);
}
void UnknownFrames(Strike& strike) {
  FloodWith(strike, Times(Frame(static_cast<http2::Type>(0xbe), 0, 0, "ignore me")), /*reads=*/true);
}
void DeclaredFrameSize(Strike& strike) {
  FloodWith(strike, Frame(http2::kHeaders, http2::kEndHeaders, 1, std::string(1000, 'x'), (1 << 24) - 1),
            /*reads=*/true);
}
void DeclaredMessageSize(Strike& strike) {
  UniqueFd fd = Begin(strike);
  for (uint32_t stream = 1; strike.More() && stream < 1000; stream += 2) {
    std::string message = http2::GrpcMessage(std::string(10000, 'x'));
    message.replace(1, 4, stream % 4 == 1 ? "\xff\xff\xff\xff" : http2::BigEndian(4 << 20, 4));
    if (strike.Send(fd.get(), OpenStream(stream, MethodPath("Collect")) + Frame(http2::kData, 0, stream, message)) !=
            HttpSent::kSent ||
        !strike.Drain(fd.get())) {
      break;
    }
  }
  strike.Hold(std::move(fd));
}
void Timeouts(Strike& strike) {
  UniqueFd fd = Begin(strike);
  uint32_t stream = 1;
  while (strike.More()) {
    std::string burst;
    for (const char* timeout : {"0n", "1n", "99999999H", "-1S", "999999999999999999H", "nan", "", "1", "S", "1.5S"}) {
      burst += Frame(http2::kHeaders, http2::kEndHeaders, stream,
                     http2::RequestFields(MethodPath("Block")) + http2::Field("grpc-timeout", timeout)) +
               Frame(http2::kData, http2::kEndStream, stream, http2::GrpcMessage(""));
      stream += 2;
    }
    if (strike.Send(fd.get(), burst) != HttpSent::kSent || !strike.Drain(fd.get())) break;
  }
  strike.Hold(std::move(fd));
}
void RequestsUnreadOverGrpc(Strike& strike) {
  UniqueFd fd = Begin(strike);
  uint32_t stream = 1;
  while (strike.More()) {
    std::string burst;
    for (; burst.size() < kBurst; stream += 2) burst += UnaryCall(stream, MethodPath("Echo"), Text("and no answer"));
    if (strike.Send(fd.get(), burst) != HttpSent::kSent) break;
  }
  strike.Hold(std::move(fd));
}

std::vector<Attack> GrpcAttacks() {
  // Of one connection, and of what one user may have.
  const Bounds one = {.memory = 96 * kMebibyte, .cpu = 40};
  const Bounds users = {.memory = 512 * kMebibyte, .cpu = 40};
  // gRPC 1.51 keeps what comes of a header block until it ends.
  const Bounds none = {.memory = kUnbounded, .cpu = 40};
  // Each brings a handler about, which costs more than the frames do.
  const Bounds resets = {.memory = 512 * kMebibyte, .cpu = 80};
  return {
      {.name = "ConnectsOnly", .strike = ConnectsOnly, .many = 100, .one = one, .all = one},
      {.name = "PrefaceOnly", .strike = PrefaceOnly, .many = 100, .one = one, .all = one},
      {.name = "SeqpacketHello", .strike = SeqpacketHello, .many = 8, .one = one, .all = users},
      {.name = "RandomBytes", .strike = RandomBytes, .many = 8, .one = one, .all = users},
      {.name = "StreamReconnects", .strike = StreamReconnects, .many = 4, .one = one, .all = users},
      {.name = "SettingsFlood", .strike = SettingsFlood, .many = 8, .one = one, .all = users},
      {.name = "SettingsUnread", .strike = SettingsUnread, .many = 32, .one = one, .all = one},
      {.name = "PingFlood", .strike = PingFlood, .many = 8, .one = one, .all = users},
      {.name = "PingsUnreadOverGrpc", .strike = PingsUnreadOverGrpc, .many = 8, .one = one, .all = users},
      {.name = "ResetsUnread", .strike = ResetsUnread, .many = 8, .one = users, .all = users},
      {.name = "EmptyData", .strike = EmptyData, .many = 8, .one = one, .all = users},
      {.name = "EmptyContinuations", .strike = EmptyContinuations, .many = 8, .one = one, .all = users},
      {.name = "ContinuationFlood", .strike = ContinuationFlood, .many = 8, .one = none, .all = none},
      {.name = "HpackBomb", .strike = HpackBomb, .many = 8, .one = users, .all = users},
      {.name = "HpackBombUnread", .strike = HpackBombUnread, .many = 8, .one = users, .all = users},
      {.name = "RapidReset", .strike = RapidReset, .many = 8, .one = users, .all = users},
      {.name = "MadeYouReset", .strike = MadeYouReset, .many = 8, .one = resets, .all = resets},
      {.name = "OpensStreams", .strike = OpensStreams, .many = 8, .one = users, .all = users},
      {.name = "StreamNumbersAgain", .strike = StreamNumbersAgain, .many = 8, .one = one, .all = users},
      {.name = "ZeroWindow", .strike = ZeroWindow, .many = 8, .one = users, .all = users},
      {.name = "AnswersUnread", .strike = AnswersUnread, .many = 8, .one = users, .all = users},
      {.name = "CountUnread", .strike = CountUnread, .many = 8, .one = users, .all = users},
      {.name = "WindowOverflow", .strike = WindowOverflow, .many = 8, .one = one, .all = users},
      {.name = "WindowFlood", .strike = WindowFlood, .many = 8, .one = one, .all = users},
      {.name = "DataBeyondTheWindow", .strike = DataBeyondTheWindow, .many = 8, .one = one, .all = users},
      {.name = "PriorityFlood", .strike = PriorityFlood, .many = 8, .one = one, .all = users},
      {.name = "UnknownFrames", .strike = UnknownFrames, .many = 8, .one = one, .all = users},
      {.name = "DeclaredFrameSize", .strike = DeclaredFrameSize, .many = 8, .one = one, .all = users},
      {.name = "DeclaredMessageSize", .strike = DeclaredMessageSize, .many = 8, .one = users, .all = users},
      {.name = "Timeouts", .strike = Timeouts, .many = 4, .one = users, .all = users},
      {.name = "RequestsUnreadOverGrpc", .strike = RequestsUnreadOverGrpc, .many = 8, .one = users, .all = users},
  };
}

class GrpcSiege : public ::testing::TestWithParam<Attack> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "to attack as another user needs root";
  }
};

INSTANTIATE_TEST_SUITE_P(Holds, GrpcSiege, ::testing::ValuesIn(GrpcAttacks()),
                         [](const ::testing::TestParamInfo<Attack>& info) { return info.param.name; });

TEST_P(GrpcSiege, AgainstOneAndAgainstMany) {
  if (kThreadSanitizer) GTEST_SKIP() << "it does not see through the library, whose code this is about";
  Siege siege(GetParam().victim);
  siege.Lay(GetParam(), 1);
  siege.Lay(GetParam(), GetParam().many);
}

}  // namespace
}  // namespace udsrpc::testing
