#include "tests/parity/grpc_client_call.h"

#include <grpcpp/client_context.h>

#include <utility>

#include "parity.grpc.pb.h"
#include "tests/parity/grpc_outcome.h"
#include "tests/parity/grpc_unknown_method_call.h"

namespace udsrpc::parity {
namespace {

template <typename Stub>
class StockCall final : public ClientCall {
 public:
  StockCall(std::unique_ptr<Stub> stub, const CallOptions& options) : stub_(std::move(stub)), kind_(options.kind) {
    for (const auto& [key, value] : options.metadata) context_.AddMetadata(key, value);
    context_.set_wait_for_ready(options.wait_for_ready);
    if (options.deadline != absl::InfiniteFuture()) {
      context_.set_deadline(absl::ToChronoTime(options.deadline));
    } else if (options.timeout != absl::InfiniteDuration()) {
      context_.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
    }
  }

  void Start(const Note& request) override {
    switch (kind_) {
      case MethodKind::kUnary:
        request_ = request;
        break;
      case MethodKind::kServerStreaming:
        reader_ = stub_->ServerStream(&context_, request);
        break;
      case MethodKind::kClientStreaming:
        writer_ = stub_->ClientStream(&context_, &reply_);
        break;
      case MethodKind::kBidiStreaming:
        both_ = stub_->Bidi(&context_);
        break;
    }
  }

  bool Read(Note& note) override {
    const bool read = reader_ ? reader_->Read(&note) : both_->Read(&note);
    has_initial_metadata_ = true;
    return read;
  }

  bool Write(const Note& note, bool last) override {
    grpc::WriteOptions options;
    if (last) options.set_last_message();
    return writer_ ? writer_->Write(note, options) : both_->Write(note, options);
  }

  bool WritesDone() override { return writer_ ? writer_->WritesDone() : both_->WritesDone(); }

  // gRPC ends the program where the metadata was read already.
  void WaitForInitialMetadata() override {
    if (has_initial_metadata_) return;
    if (reader_) reader_->WaitForInitialMetadata();
    if (writer_) writer_->WaitForInitialMetadata();
    if (both_) both_->WaitForInitialMetadata();
    has_initial_metadata_ = true;
  }

  Outcome Finish() override {
    grpc::Status status;
    if (reader_) {
      status = reader_->Finish();
    } else if (writer_) {
      status = writer_->Finish();
    } else if (both_) {
      status = both_->Finish();
    } else {
      status = stub_->Unary(&context_, request_, &reply_);
    }
    has_initial_metadata_ = true;
    return FromGrpc(status);
  }

  void Cancel() override { context_.TryCancel(); }

  const Note& reply() const override { return reply_; }
  Entries initial_metadata() const override {
    return has_initial_metadata_ ? FromGrpc(context_.GetServerInitialMetadata()) : Entries();
  }
  Entries trailing_metadata() const override { return FromGrpc(context_.GetServerTrailingMetadata()); }

 private:
  const std::unique_ptr<Stub> stub_;
  const MethodKind kind_;
  grpc::ClientContext context_;
  Note request_;
  Note reply_;
  std::unique_ptr<grpc::ClientReader<Note>> reader_;
  std::unique_ptr<grpc::ClientWriter<Note>> writer_;
  std::unique_ptr<grpc::ClientReaderWriter<Note, Note>> both_;
  bool has_initial_metadata_ = false;
};

}  // namespace

std::unique_ptr<ClientCall> MakeStockCall(const std::shared_ptr<grpc::Channel>& channel, const CallOptions& options,
                                          std::vector<std::string>& /*refused*/) {
  switch (options.service) {
    case CalledService::kCalls:
      break;
    case CalledService::kUnwritten:
      return std::make_unique<StockCall<Unwritten::Stub>>(Unwritten::NewStub(channel), options);
    case CalledService::kAbsent:
      return std::make_unique<StockCall<Absent::Stub>>(Absent::NewStub(channel), options);
    case CalledService::kUnknownMethod:
      return std::make_unique<StockUnknownMethodCall>(channel, options);
  }
  return std::make_unique<StockCall<Calls::Stub>>(Calls::NewStub(channel), options);
}

}  // namespace udsrpc::parity
