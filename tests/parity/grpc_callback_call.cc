#include <grpcpp/support/client_callback.h>

#include <utility>

#include "gtest/gtest.h"
#include "parity.grpc.pb.h"
#include "tests/parity/grpc_call_base.h"
#include "tests/parity/grpc_client_call.h"
#include "tests/support/event.h"

namespace udsrpc::parity {
namespace {

// What a reactor is told of one kind of operation, of which one is under way at a time.
class Told {
 public:
  void Tell(bool ok) {
    ok_ = ok;
    ended_.Happen();
  }
  // Blocks until the operation that was begun last has ended. Its result.
  bool Await() {
    EXPECT_TRUE(ended_.Await(++awaited_));
    return ok_;
  }

 private:
  bool ok_ = false;
  int awaited_ = 0;
  udsrpc::testing::Event ended_;
};

// What the reactors of all kinds are told.
struct AllTold {
  Told initial_metadata;
  Told read;
  Told write;
  Told half_close;
  Told done;
  grpc::Status status;
};

class ReadReactor final : public grpc::ClientReadReactor<Note> {
 public:
  explicit ReadReactor(AllTold& told) : told_(told) {}
  void OnReadInitialMetadataDone(bool ok) override { told_.initial_metadata.Tell(ok); }
  void OnReadDone(bool ok) override { told_.read.Tell(ok); }
  void OnDone(const grpc::Status& status) override {
    told_.status = status;
    told_.done.Tell(true);
  }

 private:
  AllTold& told_;
};

class WriteReactor final : public grpc::ClientWriteReactor<Note> {
 public:
  explicit WriteReactor(AllTold& told) : told_(told) {}
  void OnReadInitialMetadataDone(bool ok) override { told_.initial_metadata.Tell(ok); }
  void OnWriteDone(bool ok) override { told_.write.Tell(ok); }
  void OnWritesDoneDone(bool ok) override { told_.half_close.Tell(ok); }
  void OnDone(const grpc::Status& status) override {
    told_.status = status;
    told_.done.Tell(true);
  }

 private:
  AllTold& told_;
};

class BidiReactor final : public grpc::ClientBidiReactor<Note, Note> {
 public:
  explicit BidiReactor(AllTold& told) : told_(told) {}
  void OnReadInitialMetadataDone(bool ok) override { told_.initial_metadata.Tell(ok); }
  void OnReadDone(bool ok) override { told_.read.Tell(ok); }
  void OnWriteDone(bool ok) override { told_.write.Tell(ok); }
  void OnWritesDoneDone(bool ok) override { told_.half_close.Tell(ok); }
  void OnDone(const grpc::Status& status) override {
    told_.status = status;
    told_.done.Tell(true);
  }

 private:
  AllTold& told_;
};

// Streams by reactors, which are held from the start until Finish, as all that they do is begun outside of them; unary
// calls by a function.
template <typename Stub>
class ReactorCall final : public StockCallBase {
 public:
  ReactorCall(std::unique_ptr<Stub> stub, const CallOptions& options)
      : StockCallBase(options), stub_(std::move(stub)) {}

  ~ReactorCall() override {
    if (!held_) return;
    context_.TryCancel();
    AwaitDone();
  }

  void Start(const Note& request) override {
    request_ = request;
    switch (kind_) {
      case MethodKind::kUnary:
        break;
      case MethodKind::kServerStreaming:
        stub_->async()->ServerStream(&context_, &request_, &reader_);
        return Hold(reader_);
      case MethodKind::kClientStreaming:
        stub_->async()->ClientStream(&context_, &reply_, &writer_);
        return Hold(writer_);
      case MethodKind::kBidiStreaming:
        stub_->async()->Bidi(&context_, &both_);
        return Hold(both_);
    }
  }

  bool Read(Note& note) override {
    if (kind_ == MethodKind::kServerStreaming) {
      reader_.StartRead(&note);
    } else {
      both_.StartRead(&note);
    }
    const bool read = told_.read.Await();
    WaitForInitialMetadata();  // of which the reactor may be told by another thread
    return read;
  }

  bool Write(const Note& note, bool last) override {
    grpc::WriteOptions options;
    if (last) options.set_last_message();
    if (kind_ == MethodKind::kClientStreaming) {
      writer_.StartWrite(&note, options);
    } else {
      both_.StartWrite(&note, options);
    }
    return told_.write.Await();
  }

  bool WritesDone() override {
    if (kind_ == MethodKind::kClientStreaming) {
      writer_.StartWritesDone();
    } else {
      both_.StartWritesDone();
    }
    return told_.half_close.Await();
  }

  void WaitForInitialMetadata() override {
    if (has_initial_metadata_) return;
    told_.initial_metadata.Await();
    has_initial_metadata_ = true;
  }

  Outcome Finish() override {
    if (kind_ == MethodKind::kUnary) {
      stub_->async()->Unary(&context_, &request_, &reply_, [this](grpc::Status status) {
        told_.status = std::move(status);
        told_.done.Tell(true);
      });
      told_.done.Await();
    } else {
      AwaitDone();
    }
    has_initial_metadata_ = true;
    return FromGrpc(told_.status);
  }

 private:
  template <typename Reactor>
  void Hold(Reactor& reactor) {
    held_ = true;
    reactor.AddHold();
    reactor.StartCall();
  }

  void AwaitDone() {
    held_ = false;
    if (kind_ == MethodKind::kServerStreaming) reader_.RemoveHold();
    if (kind_ == MethodKind::kClientStreaming) writer_.RemoveHold();
    if (kind_ == MethodKind::kBidiStreaming) both_.RemoveHold();
    told_.done.Await();
  }

  const std::unique_ptr<Stub> stub_;
  AllTold told_;
  ReadReactor reader_{told_};
  WriteReactor writer_{told_};
  BidiReactor both_{told_};
  bool held_ = false;
};

}  // namespace

std::unique_ptr<ClientCall> MakeStockCallbackCall(const std::shared_ptr<grpc::Channel>& channel,
                                                  const CallOptions& options) {
  return MakeStockCallOf<ReactorCall>(channel, options);
}

}  // namespace udsrpc::parity
