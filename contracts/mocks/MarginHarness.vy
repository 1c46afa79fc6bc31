# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Questions to a margin model, arrays in and arrays out
@notice Puts many encoded questions to a deployed contract in one call; a question that reverts is an answer too.
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_QUESTIONS: constant(uint256) = 64
# A selector, five arguments and two arrays of 24 words.
MAX_QUESTION: constant(uint256) = 1792
# Five values and an array of 16 words.
MAX_ANSWER: constant(uint256) = 704

# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def ask_many(
    model: address, questions: DynArray[Bytes[MAX_QUESTION], MAX_QUESTIONS]
) -> DynArray[Bytes[MAX_ANSWER], MAX_QUESTIONS]:
    """
    @notice What the model answers to each question; nothing where it reverts.
    """
    answers: DynArray[Bytes[MAX_ANSWER], MAX_QUESTIONS] = []
    for question: Bytes[MAX_QUESTION] in questions:
        success: bool = False
        answer: Bytes[MAX_ANSWER] = b""
        success, answer = raw_call(
            model, question, max_outsize=MAX_ANSWER, is_static_call=True, revert_on_failure=False
        )
        if not success:
            answer = b""
        answers.append(answer)
    return answers
