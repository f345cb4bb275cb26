#include "tests/parity/udsrpc_client_call.h"

#include <optional>
#include <utility>

#include "parity.udsrpc.pb.h"
#include "tests/parity/udsrpc_outcome.h"
#include "udsrpc/client_context.h"

namespace udsrpc::parity {
namespace {

// The stub of a newer Calls: it has one unary method more.
class UnknownMethodStub : public CallsStub {
 public:
  explicit UnknownMethodStub(std::shared_ptr<Channel> channel) : CallsStub(channel), channel_(std::move(channel)) {}
  absl::Status Unary(ClientContext& context, const Note& request, Note& reply) const {
    return channel_->UnaryCall({kUnknownMethod, MethodKind::kUnary}, context, request, reply);
  }

 private:
  std::shared_ptr<Channel> channel_;
};

template <typename Stub>
class UdsrpcCall final : public ClientCall {
 public:
  UdsrpcCall(const std::shared_ptr<Channel>& channel, const CallOptions& options, std::vector<std::string>& refused)
      : stub_(channel), kind_(options.kind) {
    for (const auto& [key, value] : options.metadata) {
      if (!context_.AddMetadata(key, value).ok()) refused.push_back(key);
    }
    context_.set_wait_for_ready(options.wait_for_ready);
    if (options.deadline != absl::InfiniteFuture()) {
      context_.set_deadline(options.deadline);
    } else {
      context_.set_timeout(options.timeout);
    }
  }

  void Start(const Note& request) override {
    switch (kind_) {
      case MethodKind::kUnary:
        request_ = request;
        break;
      case MethodKind::kServerStreaming:
        reader_.emplace(stub_.ServerStream(context_, request));
        break;
      case MethodKind::kClientStreaming:
        writer_.emplace(stub_.ClientStream(context_, reply_));
        break;
      case MethodKind::kBidiStreaming:
        both_.emplace(stub_.Bidi(context_));
        break;
    }
  }

  bool Read(Note& note) override { return reader_ ? reader_->Read(note) : both_->Read(note); }

  bool Write(const Note& note, bool last) override {
    if (last) return writer_ ? writer_->WriteLast(note) : both_->WriteLast(note);
    return writer_ ? writer_->Write(note) : both_->Write(note);
  }

  bool WritesDone() override { return writer_ ? writer_->WritesDone() : both_->WritesDone(); }

  void WaitForInitialMetadata() override {
    if (reader_) reader_->WaitForInitialMetadata();
    if (writer_) writer_->WaitForInitialMetadata();
    if (both_) both_->WaitForInitialMetadata();
  }

  Outcome Finish() override {
    if (reader_) return FromStatus(reader_->Finish());
    if (writer_) return FromStatus(writer_->Finish());
    if (both_) return FromStatus(both_->Finish());
    return FromStatus(stub_.Unary(context_, request_, reply_));
  }

  void Cancel() override { context_.Cancel(); }

  const Note& reply() const override { return reply_; }
  Entries initial_metadata() const override { return FromMetadata(context_.server_initial_metadata()); }
  Entries trailing_metadata() const override { return FromMetadata(context_.server_trailing_metadata()); }

 private:
  const Stub stub_;
  const MethodKind kind_;
  ClientContext context_;
  Note request_;
  Note reply_;
  std::optional<ClientReader<Note>> reader_;
  std::optional<ClientWriter<Note, Note>> writer_;
  std::optional<ClientReaderWriter<Note, Note>> both_;
};

}  // namespace

std::unique_ptr<ClientCall> MakeUdsrpcCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                           std::vector<std::string>& refused) {
  switch (options.service) {
    case CalledService::kCalls:
      break;
    case CalledService::kUnwritten:
      return std::make_unique<UdsrpcCall<UnwrittenStub>>(channel, options, refused);
    case CalledService::kAbsent:
      return std::make_unique<UdsrpcCall<AbsentStub>>(channel, options, refused);
    case CalledService::kUnknownMethod:
      return std::make_unique<UdsrpcCall<UnknownMethodStub>>(channel, options, refused);
  }
  return std::make_unique<UdsrpcCall<CallsStub>>(channel, options, refused);
}

}  // namespace udsrpc::parity
