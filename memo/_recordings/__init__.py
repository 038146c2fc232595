"""What is stored: the document of a recording, its outcomes, their differences and their ages.

`document` describes the layout of the file.
"""

__all__: list[str] = []
