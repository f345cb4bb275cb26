#include "tests/reliability/mixed_caller.h"

#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/reliability/mixed_service.h"
#include "tests/support/open_files.h"

namespace udsrpc::testing {
namespace {

// Of a call that nothing hurries: longer than anything here takes.
constexpr absl::Duration kNever = absl::Minutes(4);

// Cancels a call a moment after this was made, if there is to be one.
class Canceller {
 public:
  Canceller(ClientContext& context, const CallOutcome& outcome, absl::Duration moment) {
    if (outcome.fate != Fate::kCancelled) return;
    thread_ = std::thread([&context, moment] {
      absl::SleepFor(moment);
      context.Cancel();
    });
  }
  ~Canceller() {
    if (thread_.joinable()) thread_.join();
  }
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;

 private:
  std::thread thread_;
};

bool HasPair(const LookReply& reply, const std::string& key, const std::string& value) {
  for (const Pair& pair : reply.metadata()) {
    if (pair.key() == key && pair.value() == value) return true;
  }
  return false;
}

}  // namespace

struct MixedCaller::Kind {
  const char* name;
  void (MixedCaller::*call)(ClientContext&, CallOutcome&);
  int weight;  // of 100
  bool is_stream = false;
  bool needs_files = false;
};

const MixedCaller::Kind MixedCaller::kKinds[] = {
    {.name = "unary", .call = &MixedCaller::Unary, .weight = 30},
    {.name = "large unary", .call = &MixedCaller::LargeUnary, .weight = 5},
    {.name = "large reply", .call = &MixedCaller::Inflate, .weight = 5},
    {.name = "error with details", .call = &MixedCaller::Fail, .weight = 6},
    {.name = "exception", .call = &MixedCaller::Throw, .weight = 2},
    {.name = "metadata", .call = &MixedCaller::Look, .weight = 8},
    {.name = "descriptors", .call = &MixedCaller::Files, .weight = 8, .needs_files = true},
    {.name = "endless unary", .call = &MixedCaller::Block, .weight = 4},
    {.name = "server stream", .call = &MixedCaller::Count, .weight = 10, .is_stream = true},
    {.name = "client stream", .call = &MixedCaller::Collect, .weight = 10, .is_stream = true},
    {.name = "bidirectional", .call = &MixedCaller::Chat, .weight = 12, .is_stream = true},
};

MixedCaller::MixedCaller(TestStub stub, Transport transport, uint64_t seed)
    : stub_(std::move(stub)), transport_(transport), files_(transport == Transport::kSeqpacket), random_(seed) {}

bool MixedCaller::Chance(double share) { return std::bernoulli_distribution(share)(random_); }
int MixedCaller::UpTo(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }
size_t MixedCaller::Size() { return static_cast<size_t>(Chance(0.05) ? UpTo(300'000) : UpTo(2'000)); }
absl::Duration MixedCaller::Moment() { return absl::Microseconds(Chance(0.5) ? UpTo(500) : UpTo(5'000)); }

// Nobody else's.
std::string MixedCaller::Text(size_t size) {
  std::string text = absl::StrCat(random_(), ".", ++texts_, ".");
  text.resize(text.size() + size, static_cast<char>('a' + texts_ % 26));
  return text;
}

void MixedCaller::Compare(const std::string& got, const std::string& expected, CallOutcome& outcome) {
  if (got == expected) return;
  outcome.wrong = absl::StrCat("got ", got.size(), " bytes, \"", got.substr(0, 40), "\", and not ", expected.size(),
                               ", \"", expected.substr(0, 40), "\"");
}

// gRPC's word that a client has cancelled may come behind the failure of the read, as with its own API.
void MixedCaller::SayHowMany(int messages, ClientContext& context, const CallOutcome& outcome) const {
  if (transport_ == Transport::kGrpc && outcome.fate != Fate::kNone) return;
  context.AddMetadata(kMessagesToCome, absl::StrCat(messages)).IgnoreError();
}

void MixedCaller::Settle(ClientContext& context, CallOutcome& outcome, bool is_stream) {
  const int dice = UpTo(99);
  outcome.fate = dice < 10                ? Fate::kDeadline
                 : dice < 20              ? Fate::kCancelled
                 : dice < 26 && is_stream ? Fate::kDestroyed
                                          : Fate::kNone;
  outcome.deadline = absl::Now() + (outcome.fate == Fate::kDeadline ? Moment() : kNever);
  context.set_deadline(outcome.deadline);
  outcome.transport = transport_;
  outcome.by_coroutine = Chance(0.4);
  if (outcome.by_coroutine) context.AddMetadata(kByCoroutine, "1").IgnoreError();
}

CallOutcome MixedCaller::Call() {
  const Kind* kind = kKinds;
  for (int dice = UpTo(99); dice >= kind->weight; ++kind) dice -= kind->weight;
  if (kind->needs_files && !files_) kind = kKinds;
  ClientContext context;
  CallOutcome outcome{.kind = kind->name};
  Settle(context, outcome, kind->is_stream);
  (this->*kind->call)(context, outcome);
  return outcome;
}

void MixedCaller::Unary(ClientContext& context, CallOutcome& outcome) {
  EchoRequest request;
  EchoReply reply;
  request.set_text(Text(Size()));
  const Canceller canceller(context, outcome, Moment());
  outcome.status = stub_.Echo(context, request, reply);
  if (outcome.status.ok()) Compare(reply.text(), request.text(), outcome);
}

void MixedCaller::LargeUnary(ClientContext& context, CallOutcome& outcome) {
  EchoRequest request;
  EchoReply reply;
  request.set_text(Text(100'000 + static_cast<size_t>(UpTo(1'500'000))));
  const Canceller canceller(context, outcome, Moment());
  outcome.status = stub_.Echo(context, request, reply);
  if (outcome.status.ok()) Compare(reply.text(), request.text(), outcome);
}

void MixedCaller::Inflate(ClientContext& context, CallOutcome& outcome) {
  InflateRequest request;
  EchoReply reply;
  request.set_bytes(static_cast<uint64_t>(UpTo(2'000'000)));
  const Canceller canceller(context, outcome, Moment());
  outcome.status = stub_.Inflate(context, request, reply);
  if (outcome.status.ok()) Compare(reply.text(), std::string(request.bytes(), 'x'), outcome);
}

void MixedCaller::Fail(ClientContext& context, CallOutcome& outcome) {
  FailRequest request;
  EchoReply reply;
  outcome.usual = absl::StatusCode::kNotFound;
  request.set_code(static_cast<int>(*outcome.usual));
  request.set_message(Text(static_cast<size_t>(UpTo(100))));
  Pair& payload = *request.add_payloads();
  payload.set_key("type.googleapis.com/udsrpc.testing.EchoRequest");
  payload.set_value(Text(static_cast<size_t>(UpTo(500))));
  const Canceller canceller(context, outcome, Moment());
  outcome.status = stub_.Fail(context, request, reply);
  if (outcome.status.code() != *outcome.usual) return;
  if (outcome.status.message() != request.message()) outcome.wrong = "another message";
  if (outcome.status.GetPayload(payload.key()) != absl::Cord(payload.value())) outcome.wrong = "other details";
}

void MixedCaller::Throw(ClientContext& context, CallOutcome& outcome) {
  EchoRequest request;
  EchoReply reply;
  outcome.usual = absl::StatusCode::kUnknown;
  request.set_text(Text(20));
  const Canceller canceller(context, outcome, Moment());
  outcome.status = stub_.Throw(context, request, reply);
  if (outcome.status.code() == *outcome.usual && !absl::StrContains(outcome.status.message(), request.text())) {
    outcome.wrong = "another message";
  }
}

void MixedCaller::Look(ClientContext& context, CallOutcome& outcome) {
  LookRequest request;
  LookReply reply;
  const std::string sent = Text(static_cast<size_t>(UpTo(300)));
  context.AddMetadata("sent", sent).IgnoreError();
  Pair& initial = *request.add_initial_metadata();
  initial.set_key("initial");
  initial.set_value(Text(static_cast<size_t>(UpTo(300))));
  Pair& trailing = *request.add_trailing_metadata();
  trailing.set_key("trailing-bin");
  trailing.set_value(Text(static_cast<size_t>(UpTo(300))));
  {
    const Canceller canceller(context, outcome, Moment());
    outcome.status = stub_.Look(context, request, reply);
  }
  if (!outcome.status.ok()) return;
  if (!HasPair(reply, "sent", sent)) outcome.wrong = "the server saw other metadata";
  if (context.server_initial_metadata().Get("initial") != initial.value()) outcome.wrong = "other initial metadata";
  if (context.server_trailing_metadata().Get("trailing-bin") != trailing.value()) {
    outcome.wrong = "other trailing metadata";
  }
}

void MixedCaller::Files(ClientContext& context, CallOutcome& outcome) {
  EchoRequest request;
  EchoReply reply;
  request.set_text(Text(Size()));
  std::vector<UniqueFd> files = FilesOf(Text(0), 1 + UpTo(2));
  const std::string texts = TextOf(files);
  for (UniqueFd& file : files) context.AttachFd(std::move(file));
  {
    const Canceller canceller(context, outcome, Moment());
    outcome.status = stub_.Echo(context, request, reply);
  }
  if (!outcome.status.ok()) return;
  Compare(reply.text(), request.text(), outcome);
  if (TextOf(context.TakeFds()) != texts) outcome.wrong = "other files";
}

void MixedCaller::Block(ClientContext& context, CallOutcome& outcome) {
  if (outcome.fate == Fate::kNone) outcome.fate = Fate::kCancelled;
  outcome.usual.reset();
  EchoReply reply;
  const Canceller canceller(context, outcome, Moment());
  outcome.status = stub_.Block(context, BlockRequest(), reply);
}

void MixedCaller::Count(ClientContext& context, CallOutcome& outcome) {
  InflateRequest request;
  request.set_messages(static_cast<uint64_t>(UpTo(20)));
  request.set_bytes(Size());
  const uint64_t enough = outcome.fate == Fate::kDestroyed ? request.messages() / 2 : request.messages() + 1;
  const Canceller canceller(context, outcome, Moment());
  auto reader = stub_.Count(context, request);
  EchoReply reply;
  uint64_t messages = 0;
  while (messages < enough && reader.Read(reply)) {
    ++messages;
    Compare(reply.text(), std::string(request.bytes(), 'x'), outcome);
  }
  if (outcome.fate == Fate::kDestroyed) return;
  outcome.status = reader.Finish();
  if (outcome.status.ok() && messages != request.messages()) outcome.wrong = absl::StrCat(messages, " messages");
}

void MixedCaller::Collect(ClientContext& context, CallOutcome& outcome) {
  const int messages = UpTo(10);
  SayHowMany(messages, context, outcome);
  const Canceller canceller(context, outcome, Moment());
  CollectReply reply;
  auto writer = stub_.Collect(context, reply);
  EchoRequest request;
  uint64_t bytes = 0;
  for (int i = 0; i < messages; ++i) {
    if (outcome.fate == Fate::kDestroyed && i == messages / 2) break;
    request.set_text(Text(Size()));
    bytes += request.text().size();
    if (!writer.Write(request)) break;
  }
  if (outcome.fate == Fate::kDestroyed) return;
  outcome.status = writer.Finish();
  if (outcome.status.ok() && (reply.messages() != static_cast<uint64_t>(messages) || reply.bytes() != bytes)) {
    outcome.wrong = absl::StrCat(reply.messages(), " messages of ", reply.bytes(), " bytes were read");
  }
}

void MixedCaller::Chat(ClientContext& context, CallOutcome& outcome) {
  const int messages = UpTo(10);
  SayHowMany(messages, context, outcome);
  const Canceller canceller(context, outcome, Moment());
  auto chat = stub_.Chat(context);
  EchoRequest request;
  EchoReply reply;
  int answers = 0;
  for (; answers < messages; ++answers) {
    if (outcome.fate == Fate::kDestroyed && answers == messages / 2) break;
    request.set_text(Text(Size()));
    std::vector<UniqueFd> files;
    if (files_ && Chance(0.3)) files = FilesOf(Text(0), 1 + UpTo(1));
    const std::string texts = TextOf(files);
    if (!chat.Write(request, std::move(files)) || !chat.Read(reply)) break;
    Compare(reply.text(), request.text(), outcome);
    if (TextOf(chat.TakeFds()) != texts) outcome.wrong = "other files";
  }
  if (outcome.fate == Fate::kDestroyed) return;
  chat.WritesDone();
  outcome.status = chat.Finish();
  if (outcome.status.ok() && answers != messages) outcome.wrong = absl::StrCat(answers, " answers");
}

}  // namespace udsrpc::testing
