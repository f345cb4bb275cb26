#include <optional>

#include "tests/parity/udsrpc_client_call.h"
#include "tests/parity/udsrpc_stubs.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

namespace udsrpc::parity {
namespace {

template <typename Stub>
class CoroutineCall final : public UdsrpcCallBase {
 public:
  CoroutineCall(const std::shared_ptr<Channel>& channel, const CallOptions& options, std::vector<std::string>& refused)
      : UdsrpcCallBase(options, refused), stub_(channel) {}

  void Start(const Note& request) override {
    switch (kind_) {
      case MethodKind::kUnary:
        request_ = request;
        break;
      case MethodKind::kServerStreaming:
        reader_.emplace(stub_.Async().ServerStream(context_, request));
        break;
      case MethodKind::kClientStreaming:
        writer_.emplace(stub_.Async().ClientStream(context_));
        break;
      case MethodKind::kBidiStreaming:
        both_.emplace(stub_.Async().Bidi(context_));
        break;
    }
  }

  bool Read(Note& note) override { return SyncWait(ReadInto(note)); }
  bool Write(const Note& note, bool last) override { return SyncWait(WriteNote(note, last)); }
  bool WritesDone() override { return SyncWait(HalfClose()); }
  void WaitForInitialMetadata() override { SyncWait(AwaitInitialMetadata()); }
  Outcome Finish() override { return FromStatus(SyncWait(End())); }

 private:
  Task<bool> ReadInto(Note& note) {
    std::optional<Note> read;
    if (reader_) {
      read = co_await reader_->Read();
    } else {
      read = co_await both_->Read();
    }
    if (read) note = *std::move(read);
    co_return read.has_value();
  }

  Task<bool> WriteNote(const Note& note, bool last) {
    if (writer_ && last) co_return co_await writer_->WriteLast(note);
    if (writer_) co_return co_await writer_->Write(note);
    if (last) co_return co_await both_->WriteLast(note);
    co_return co_await both_->Write(note);
  }

  Task<bool> HalfClose() {
    if (writer_) co_return co_await writer_->WritesDone();
    co_return co_await both_->WritesDone();
  }

  Task<> AwaitInitialMetadata() {
    if (reader_) co_await reader_->WaitForInitialMetadata();
    if (writer_) co_await writer_->WaitForInitialMetadata();
    if (both_) co_await both_->WaitForInitialMetadata();
  }

  Task<absl::Status> End() {
    if (reader_) co_return co_await reader_->Finish();
    if (both_) co_return co_await both_->Finish();
    absl::StatusOr<Note> reply;
    if (writer_) {
      reply = co_await writer_->Finish();
    } else {
      reply = co_await stub_.Async().Unary(context_, request_);
    }
    if (reply.ok()) reply_ = *reply;
    co_return reply.status();
  }

  const Stub stub_;
  std::optional<AsyncClientReader<Note>> reader_;
  std::optional<AsyncClientWriter<Note, Note>> writer_;
  std::optional<AsyncClientReaderWriter<Note, Note>> both_;
};

}  // namespace

std::unique_ptr<ClientCall> MakeCoroutineCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                              std::vector<std::string>& refused) {
  return MakeCallOf<CoroutineCall>(channel, options, refused);
}

}  // namespace udsrpc::parity
