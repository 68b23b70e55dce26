// The state after a change. Pure.

// `change` has the feeders and boards that are new, and any other key that is; `passedS` is how
// long ago the state was as given, by which boards that are not told again are older now.
export function changed(state, change, passedS) {
  return {
    ...state,
    ...change,
    feeders: replaced(state.feeders, change.feeders),
    boards: replaced(state.boards.map((board) => older(board, passedS)), change.boards),
  };
}

function replaced(all, some) {
  const byId = new Map(some.map((one) => [one.id, one]));
  return all.map((one) => byId.get(one.id) ?? one);
}

function older(board, passedS) {
  return board.age_s === null ? board : { ...board, age_s: board.age_s + passedS };
}
