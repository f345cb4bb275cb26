#include "tests/parity/grpc_client_call.h"

#include <utility>

#include "parity.grpc.pb.h"
#include "tests/parity/grpc_call_base.h"

namespace udsrpc::parity {
namespace {

template <typename Stub>
class StockCall final : public StockCallBase {
 public:
  StockCall(std::unique_ptr<Stub> stub, const CallOptions& options) : StockCallBase(options), stub_(std::move(stub)) {}

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

 private:
  const std::unique_ptr<Stub> stub_;
  std::unique_ptr<grpc::ClientReader<Note>> reader_;
  std::unique_ptr<grpc::ClientWriter<Note>> writer_;
  std::unique_ptr<grpc::ClientReaderWriter<Note, Note>> both_;
};

}  // namespace

std::unique_ptr<ClientCall> MakeStockCall(const std::shared_ptr<grpc::Channel>& channel, const CallOptions& options) {
  return MakeStockCallOf<StockCall>(channel, options);
}

}  // namespace udsrpc::parity
